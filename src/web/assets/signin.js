// Signing in and out where the server asks who its callers are. The credential goes into a cookie
// that no script can read; nothing of it stays here.

import { api, problem } from './api.js';
import { $, button, fill, h } from './dom.js';

/** Asks for a key or token; the page begins again with it. */
export function signIn(main) {
  const said = h('p', { class: 'fault', role: 'alert' });
  const field = h('input', {
    type: 'password', id: 'credential', autocomplete: 'current-password', required: true, spellcheck: 'false',
  });
  const form = h('form', {
    class: 'signin',
    onsubmit: async (event) => {
      event.preventDefault();
      const response = await fetch('/api/login', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ credential: field.value.trim() }),
      }).catch(() => null);
      if (response?.ok) return location.reload();
      field.value = '';
      field.focus();
      fill(said, response ? (await problem(response)).message : 'The server can’t be reached.');
    },
  }, h('label', { for: 'credential', text: 'Key or token' }), field, h('button', { class: 'strong', text: 'Sign in' }), said);
  $('nav').hidden = true;
  fill(main, h('div', null, h('div', { class: 'welcome' }, h('h1', { text: 'Sign in' }),
    h('p', { class: 'lede', text: 'This library asks who its readers are. Whoever runs it gives out the keys.' }), form)));
  field.focus();
}

/** Who is asking; null if the server wants to know. */
export async function whoAmI() {
  try {
    return await api('/api/me');
  } catch (error) {
    if (error.status === 401) return null;
    // A server that is away is told of by what asks it next.
    return { mode: 'none' };
  }
}

export function signOut(me) {
  return button(`Sign out ${me.user}`, async () => {
    await fetch('/api/logout', { method: 'POST' }).catch(() => null);
    location.assign('/');
  }, { class: 'plain theme' });
}
