// The page: which view an address shows, the theme, the keys, and word of the server being away.

import { connection } from './api.js';
import { chat } from './chat.js';
import { $, fill, h, plain, say } from './dom.js';
import { acceptDrops, library } from './library.js';
import { reading, review, uses } from './review.js';
import { clearScope } from './scope.js';
import { paint, side, toggle } from './sessions.js';
import { signIn, signOut, whoAmI } from './signin.js';
import { closeSource, hideCard } from './source.js';

const VIEWS = [
  [/^\/library$/, library],
  [/^\/s\/([^/]+)\/citations$/, review],
  [/^\/s\/([^/]+)$/, chat],
  [/^\/d\/([^/]+)\/citations$/, uses],
  [/^\/d\/([^/]+)$/, reading],
  [/^\/$/, chat],
];

let leaving = new AbortController();

/** Goes to an address of the page; quietly if the view is there already. */
function go(path, quietly = false) {
  if (path !== location.pathname + location.search) history.pushState(null, '', path);
  if (quietly) paint();
  else show();
}

async function show() {
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  const main = $('main');
  closeSource();
  hideCard();
  toggle(false);
  paint();
  const [pattern, view] = VIEWS.find(([pattern]) => pattern.test(location.pathname)) ?? VIEWS.at(-1);
  main.className = view.name;
  main.scrollTop = 0;
  try {
    await view(main, { id: pattern.exec(location.pathname)?.[1], go, signal });
  } catch (error) {
    if (signal.aborted) return;
    const again = plain('Try again', show);
    const words = error.status === 404 ? 'There is no such session; it may have been deleted.' : error.message;
    fill(main, h('div.bar', h('h1', error.status === 404 ? 'Not here' : 'This can’t be shown')),
      h('p.lede', words, ' ', error.status !== 404 && again));
    if (error.status === 0) connection.addEventListener('back', show, { once: true, signal });
  }
}

/** What this browser keeps of the reader's choice, where it may. */
function kept(theme) {
  try {
    if (theme) localStorage.setItem('theme', theme);
    return localStorage.getItem('theme');
  } catch {
    return null;
  }
}

/** A choice between the system's colours, light ones and dark ones. */
function theme() {
  const names = { auto: 'Colours of the system', light: 'Light', dark: 'Dark' };
  const show = () => (document.documentElement.dataset.theme = element.value);
  const element = h('select.theme', { label: 'Colours', onchange: () => kept(show()) }, Object.entries(names).map(([value, text]) => h('option', { value, text })));
  element.value = kept() in names ? kept() : 'auto';
  show();
  return element;
}

document.addEventListener('click', (event) => {
  const anchor = event.target.closest?.('a[data-inside]');
  if (!anchor || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  if (anchor.matches('.new, .brand')) clearScope();
  go(anchor.getAttribute('href'));
});
addEventListener('keydown', (event) => {
  const isTyping = event.target.closest?.('input, textarea, select, dialog');
  if (event.key === 'Escape' && !event.target.closest?.('dialog')) {
    hideCard();
    if (!closeSource()) toggle(false);
  } else if (event.key === '/' && !isTyping && !event.ctrlKey && !event.metaKey) {
    const target = $('question') ?? document.querySelector('main input[type=search]');
    if (target) {
      event.preventDefault();
      target.focus();
    }
  }
});
$('main').addEventListener('scroll', hideCard, { passive: true });

connection.addEventListener('away', () => {
  fill($('banner'), 'The server is away. This page goes on by itself when it is back.');
  $('banner').hidden = false;
});
connection.addEventListener('back', () => {
  $('banner').hidden = true;
  say('The server is back.');
});

const me = await whoAmI();
if (me === null) {
  signIn($('main'));
} else {
  addEventListener('popstate', show);
  side({ go, theme: me.mode === 'none' ? theme() : [theme(), signOut(me)] });
  acceptDrops(go);
  show();
}
