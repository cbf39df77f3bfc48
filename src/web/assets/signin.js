// Signing in and out where the server asks who its callers are. The credential goes into a cookie
// that no script can read; nothing of it stays here.

import { api } from './api.js';
import { $, button, fill, h } from './dom.js';

/** Asks for a key or token; the page begins again with it. */
export function signIn(main) {
  const said = h('p.fault', { role: 'alert' });
  const field = h('input', {
    type: 'password', id: 'credential', autocomplete: 'current-password', required: true, spellcheck: 'false',
  });
  const form = h('form', {
    class: 'signin',
    onsubmit: async (event) => {
      event.preventDefault();
      try {
        await api('/api/login', { method: 'POST', body: { credential: field.value.trim() } });
        location.reload();
      } catch (error) {
        field.value = '';
        field.focus();
        fill(said, error.message);
      }
    },
  }, h('label', { for: 'credential', text: 'Key or token' }), field, h('button.strong', 'Sign in'), said);
  $('nav').hidden = true;
  fill(main, h('div', h('div.welcome', h('h1', 'Sign in'),
    h('p.lede', 'This library asks who its readers are. Whoever runs it gives out the keys.'), form)));
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
