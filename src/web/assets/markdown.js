// Markdown into elements, block by block, so that an answer can grow without flicker: a block
// whose source did not change keeps its element. Raw HTML is text, images are never loaded, and
// every piece of text knows where in the source it stands, for citation marks and claims.

import { h } from './dom.js';

const MAX_DEPTH = 10;
const MAX_LINK = 3000;
const LIST = /^( {0,3})([-*+]|\d{1,9}[.)])( +|$)/;
const FENCE = /^ {0,3}(`{3,}|~{3,})(.*)$/;
const HEADING = /^ {0,3}(#{1,6})(?:[ \t]+|$)/;
const RULE = /^ {0,3}([-*_])(?: *\1){2,} *$/;
const TABLE_RULE = /^ {0,3}\|? *:?-+:? *(\| *:?-+:? *)*\|? *$/;
const URL_START = /^https?:\/\/[^\s<>"'`]+/i;

/** The blocks of a text: what the two below need to know of it. */
export const read = (source) => parse(lines(source), 0).map((block) => ({ ...block, text: source.slice(block.start, block.end) }));

/**
 * Shows what was read in `target`. `notes` says what stands where, in string indexes: `mark(at, n)`
 * gives the element of a citation mark or nothing, `key(start, end)` changes when what
 * it would give between the two does, `unsupported` holds ranges.
 */
export function show(target, blocks, notes) {
  const kept = target.blocks ?? [];
  const shown = [];
  const above = [];
  blocks.forEach((block, at) => {
    const isLast = at === blocks.length - 1;
    if (block.type === 'heading') {
      // The page has two levels above an answer, and none may be left out below them.
      while (above.at(-1) >= block.level) above.pop();
      above.push(block.level);
      block.shown = Math.min(above.length + 2, 6);
    }
    const open = notes.streaming && isLast;
    const key = `${block.start} ${block.shown} ${open} ${notes.key(block.start, block.end)} ${block.text}`;
    if (kept[at]?.key === key) {
      shown.push(kept[at]);
      return;
    }
    const element = build(block, { notes, open });
    if (kept[at]) kept[at].element.replaceWith(element);
    else target.append(element);
    shown.push({ key, element });
  });
  for (const block of kept.slice(shown.length)) block.element.remove();
  target.blocks = shown;
}

/** What a reader reads of a piece of it. */
export const wording = (source) => {
  const shown = h('p');
  show(shown, read(source), { key: () => '', unsupported: [], mark: () => h('i') });
  return shown.textContent.replace(/^\| *| *\|$/g, '');
};

/** Where `[n]` stands outside code and links: `[{n, at}]`. `known` is what it found before. */
export function marks(blocks, known) {
  return blocks.flatMap((block, k) => {
    const { start, text } = block;
    if (known[k]?.text !== text || known[k].start !== start) {
      const found = [];
      if (text.includes('[')) build(block, { notes: { unsupported: [], mark: (at, n) => void found.push({ n, at }) } });
      known[k] = { start, text, found };
    }
    return known[k].found;
  });
}

function lines(source) {
  const found = [];
  let at = 0;
  for (const text of source.split('\n')) {
    found.push({ text: text.replace(/\r$/, ''), at });
    at += text.length + 1;
  }
  return found;
}

function cut(line, from) {
  return { text: line.text.slice(from), at: line.at + from };
}

function parse(all, depth) {
  const blocks = [];
  let i = 0;
  const push = (block, from) => {
    const last = all[i - 1];
    blocks.push({ ...block, start: all[from].at, end: last.at + last.text.length });
  };
  while (i < all.length) {
    const from = i;
    const { text } = all[i];
    if (!text.trim()) {
      i += 1;
      continue;
    }
    const fence = FENCE.exec(text);
    if (fence && !(fence[1][0] === '`' && fence[2].includes('`'))) {
      const close = new RegExp(`^ {0,3}\\${fence[1][0]}{${fence[1].length},} *$`);
      for (i += 1; i < all.length && !close.test(all[i].text); i += 1);
      const code = all.slice(from + 1, i).map((line) => line.text).join('\n');
      if (i < all.length) i += 1;
      push({ type: 'code', code, language: fence[2].trim().split(/\s/)[0] }, from);
      continue;
    }
    const heading = HEADING.exec(text);
    if (heading) {
      i += 1;
      const line = cut(all[from], heading[0].length);
      line.text = line.text.replace(/[ \t]+#+[ \t]*$/, '');
      push({ type: 'heading', level: heading[1].length, content: [line] }, from);
      continue;
    }
    if (RULE.test(text)) {
      i += 1;
      push({ type: 'rule' }, from);
      continue;
    }
    if (text.includes('|') && i + 1 < all.length && all[i + 1].text.includes('-') && TABLE_RULE.test(all[i + 1].text)) {
      const aligns = cells(all[i + 1]).map(({ text }) =>
        text.endsWith(':') ? (text.startsWith(':') ? 'center' : 'right') : '');
      const rows = [cells(all[i])];
      for (i += 2; i < all.length && all[i].text.trim() && all[i].text.includes('|'); i += 1) rows.push(cells(all[i]));
      push({ type: 'table', aligns, rows }, from);
      continue;
    }
    if (/^ {0,3}>/.test(text) && depth < MAX_DEPTH) {
      const inner = [];
      for (; i < all.length && /^ {0,3}>/.test(all[i].text); i += 1) {
        inner.push(cut(all[i], /^ {0,3}> ?/.exec(all[i].text)[0].length));
      }
      push({ type: 'quote', blocks: parse(inner, depth + 1) }, from);
      continue;
    }
    const bullet = LIST.exec(text);
    if (bullet && depth < MAX_DEPTH) {
      const ordered = /\d/.test(bullet[2]);
      const same = (line) => {
        const found = LIST.exec(line.text);
        return found && !RULE.test(line.text) && /\d/.test(found[2]) === ordered ? found : null;
      };
      const items = [];
      let first;
      while (i < all.length && (first = same(all[i]))) {
        const indent = first[3].length > 4 || !first[3] ? first[1].length + first[2].length + 1 : first[0].length;
        const item = [cut(all[i], Math.min(indent, all[i].text.length))];
        for (i += 1; i < all.length; i += 1) {
          const line = all[i];
          const own = /^ */.exec(line.text)[0].length;
          if (!line.text.trim()) {
            const next = all[i + 1];
            if (!next || /^ */.exec(next.text)[0].length < Math.min(indent, 2) || !next.text.trim()) break;
            item.push(cut(line, line.text.length));
          } else if (own >= Math.min(indent, 2) && !(own < indent && same(line))) {
            item.push(cut(line, Math.min(own, indent)));
          } else if (starts(line.text) || LIST.test(line.text) || !item.at(-1).text.trim()) break;
          else item.push(line);
        }
        items.push(parse(item, depth + 1));
        // A blank line between two items does not end their list.
        let next = i;
        while (next < all.length && !all[next].text.trim()) next += 1;
        if (next > i && next < all.length && same(all[next])) i = next;
      }
      push({ type: 'list', ordered, first: parseInt(bullet[2], 10), items }, from);
      continue;
    }
    for (i += 1; i < all.length && all[i].text.trim() && !starts(all[i].text); i += 1);
    push({ type: 'paragraph', content: all.slice(from, i).map((line) => cut(line, /^ */.exec(line.text)[0].length)) }, from);
  }
  return blocks;
}

/** Whether a line ends the paragraph before it. */
function starts(text) {
  const bullet = LIST.exec(text);
  return FENCE.test(text) || HEADING.test(text) || RULE.test(text) || /^ {0,3}>/.test(text)
    || (bullet && bullet[3] && (!/\d/.test(bullet[2]) || parseInt(bullet[2], 10) === 1));
}

function cells(line) {
  const found = [];
  let from = /^ *\|?/.exec(line.text)[0].length;
  for (let i = from; i <= line.text.length; i += 1) {
    if (i < line.text.length && line.text[i] === '\\') i += 1;
    else if (i === line.text.length || line.text[i] === '|') {
      const raw = line.text.slice(from, i);
      if (i < line.text.length || raw.trim()) {
        const lead = raw.length - raw.trimStart().length;
        found.push({ text: raw.trim(), at: line.at + from + lead });
      }
      from = i + 1;
    }
  }
  return found;
}

function build(block, context) {
  switch (block.type) {
    case 'code': return h('pre', { tabindex: 0 }, h('code', block.code));
    case 'heading': return inline(h(`h${block.shown ?? Math.min(block.level + 2, 6)}`), block.content, context);
    case 'rule': return h('hr');
    case 'quote': return h('blockquote', block.blocks.map((inner) => build(inner, context)));
    case 'list': {
      const props = block.ordered && block.first !== 1 ? { start: block.first } : null;
      return h(block.ordered ? 'ol' : 'ul', props, block.items.map((blocks) => {
        const item = h('li');
        for (const inner of blocks) {
          // A lone paragraph is the item's own text.
          if (inner.type === 'paragraph' && blocks.filter(({ type }) => type === 'paragraph').length === 1) {
            inline(item, inner.content, context);
          } else item.append(build(inner, context));
        }
        return item;
      }));
    }
    case 'table': {
      const row = (tag, line) => h('tr', line.map((cell, at) => {
        const element = inline(h(tag, tag === 'th' ? { scope: 'col' } : null), [cell], context);
        if (block.aligns[at]) element.classList.add(block.aligns[at]);
        return element;
      }));
      return h('div.table', { tabindex: 0, role: 'group', label: 'Table' },
        h('table', h('thead', row('th', block.rows[0])),
          h('tbody', block.rows.slice(1).map((line) => row('td', line)))));
    }
    default: return inline(h('p'), block.content, context);
  }
}

/** Text with marks, emphasis, code and links. `content` is lines that know where they stand. */
function inline(parent, content, context) {
  const text = content.map((line) => line.text).join('\n');
  const begins = [];
  let length = 0;
  for (const line of content) {
    begins.push([length, line.at]);
    length += line.text.length + 1;
  }
  const source = (index) => {
    let low = 0;
    for (let high = begins.length - 1; low < high;) {
      const middle = (low + high + 1) >> 1;
      if (begins[middle][0] <= index) low = middle;
      else high = middle - 1;
    }
    return begins[low][1] + index - begins[low][0];
  };
  walk(parent, text, 0, text.length, { ...context, source, hopeless: new Set(), depth: 0 });
  return parent;
}

function walk(parent, text, from, to, context) {
  let plain = from;
  let i = from;
  const flush = (end) => {
    if (end > plain) words(parent, text, plain, end, context);
  };
  const take = (element, next) => {
    flush(i);
    if (element) parent.append(element);
    i = plain = next;
  };
  while (i < to) {
    const c = text[i];
    if (c === '\\' && i + 1 < to && /[!-/:-@[-`{-~\n]/.test(text[i + 1])) {
      if (text[i + 1] === '\n') take(h('br'), i + 2);
      else {
        take(null, i + 1);
        i += 1;
      }
    } else if (c === '`') {
      const run = /^`+/.exec(text.slice(i, to))[0];
      let end = close(text, run, i + run.length, to, context);
      if (end < 0 && context.open) end = to;
      if (end < 0) i += run.length;
      else take(h('code', text.slice(i + run.length, end).replace(/\n/g, ' ').replace(/^ (.*[^ ].*) $/, '$1')), Math.min(end + run.length, to));
    } else if (c === '*' || c === '_' || (c === '~' && text[i + 1] === '~')) {
      i = emphasis(parent, text, i, to, context, take);
    } else if (c === '[' || (c === '!' && text[i + 1] === '[')) {
      const mark = c === '[' && /^\[(\d{1,4})\](?!\()/.exec(text.slice(i, Math.min(i + 8, to)));
      if (mark) {
        const element = context.notes.mark(context.source(i), Number(mark[1]));
        if (element) {
          flush(i);
          tie(parent, element);
          plain = i + mark[0].length;
        }
        i += mark[0].length;
        continue;
      }
      const found = reference(text, c === '!' ? i + 1 : i, to);
      if (found && context.depth < MAX_DEPTH) {
        flush(i);
        walk(parent, text, found.from, found.to, { ...context, depth: MAX_DEPTH });
        parent.append(' ', address(found.url));
        i = plain = found.end;
      } else i += 1;
    } else if (c === '<' && URL_START.test(text.slice(i + 1, i + 10 + 1)) && text.slice(i, to).search(/>/) > 0) {
      const end = text.indexOf('>', i);
      take(address(text.slice(i + 1, end)), end + 1);
    } else if ((c === 'h' || c === 'H') && (i === 0 || !/\w/.test(text[i - 1])) && URL_START.test(text.slice(i, Math.min(i + 2000, to)))) {
      const found = URL_START.exec(text.slice(i, Math.min(i + 2000, to)))[0].replace(/[.,;:!?*_~\])]+$/, '');
      take(address(found), i + found.length);
    } else if (c === '\n' && /  $/.test(text.slice(Math.max(plain, i - 2), i))) {
      take(h('br'), i + 1);
    } else i += 1;
  }
  flush(to);
}

function emphasis(parent, text, i, to, context, take) {
  const c = text[i];
  const run = /^(\*+|_+|~+)/.exec(text.slice(i, Math.min(i + 4, to)))[0];
  const delimiter = run.length >= 2 ? run.slice(0, 2) : c;
  const next = text[i + delimiter.length];
  const opens = next && !/\s/.test(next) && (c !== '_' || i === 0 || !/[\p{L}\p{N}]/u.test(text[i - 1]));
  if (!opens || context.depth >= MAX_DEPTH || i + delimiter.length >= to) return i + run.length;
  let end = closer(text, delimiter, i + delimiter.length, to, context);
  if (end < 0 && context.open && delimiter.length === 2 && to === text.length) end = to;
  if (end < 0) return i + run.length;
  const element = h(delimiter === '~~' ? 'del' : delimiter.length === 2 ? 'strong' : 'em');
  walk(element, text, i + delimiter.length, end, { ...context, depth: context.depth + 1, hopeless: new Set(context.hopeless) });
  const after = Math.min(end + delimiter.length, to);
  take(element, after);
  return after;
}

/** Where code that began with this run of backticks ends. */
function close(text, run, from, to, context) {
  const key = `\`${run.length}`;
  if (context.hopeless.has(key)) return -1;
  const pattern = /`+/g;
  pattern.lastIndex = from;
  for (let found; (found = pattern.exec(text)) && found.index < to;) {
    if (found[0].length === run.length) return found.index;
  }
  context.hopeless.add(key);
  return -1;
}

function closer(text, delimiter, from, to, context) {
  if (context.hopeless.has(delimiter)) return -1;
  const c = delimiter[0];
  for (let i = from; i < to; i += 1) {
    if (text[i] === '\\') i += 1;
    else if (text[i] === '`') {
      const run = /^`+/.exec(text.slice(i, to))[0];
      const end = close(text, run, i + run.length, to, context);
      i = (end < 0 ? i : end) + run.length - 1;
    } else if (text.startsWith(delimiter, i) && i > from && !/\s/.test(text[i - 1])) {
      let length = 1;
      while (text[i + length] === c) length += 1;
      const fits = delimiter.length === 1 ? length !== 2 : length >= 2;
      const after = text[i + length];
      if (fits && (c !== '_' || !after || !/[\p{L}\p{N}]/u.test(after))) return i + length - delimiter.length;
      i += length - 1;
    }
  }
  context.hopeless.add(delimiter);
  return -1;
}

/** `[text](url)` at `i`, if it is one. */
function reference(text, i, to) {
  const limit = Math.min(to, i + MAX_LINK);
  let depth = 0;
  let end = i;
  for (; end < limit; end += 1) {
    if (text[end] === '\\') end += 1;
    else if (text[end] === '[') depth += 1;
    else if (text[end] === ']' && (depth -= 1) === 0) break;
  }
  if (end >= limit || text[end + 1] !== '(') return null;
  const rest = /^\(\s*<?([^\s<>()]*(?:\([^\s()]*\)[^\s<>()]*)*)>?(?:\s+["'(][^"')]*["')])?\s*\)/.exec(text.slice(end + 1, limit));
  return rest && { from: i + 1, to: end, url: rest[1], end: end + 1 + rest[0].length };
}

/** A link shows where it goes, and goes there only when it is clicked. */
function address(url) {
  if (!/^(https?:\/\/|mailto:)/i.test(url)) return h('span.url', url ? `(${url})` : '');
  return h('a.url', { href: url, rel: 'noreferrer', target: '_blank', text: url });
}

/** Plain text, with what no source carries set apart. Also remembers where the text stands. */
function words(parent, text, from, to, context) {
  let i = from;
  while (i < to) {
    const newline = text.indexOf('\n', i);
    const end = newline < 0 || newline >= to ? to : newline + 1;
    const at = context.source(i);
    let done = i;
    for (const [start, stop] of context.notes.unsupported) {
      const [a, b] = [Math.max(done, i + start - at), Math.min(end, i + stop - at)];
      if (a >= b) continue;
      if (a > done) piece(parent, text.slice(done, a), context.source(done));
      const span = h('span.unsupported');
      piece(span, text.slice(a, b), context.source(a));
      parent.append(span);
      done = b;
    }
    if (done < end) piece(parent, text.slice(done, end), context.source(done));
    i = end;
  }
}

/** A mark stays on the line of the word before it. */
function tie(parent, mark) {
  const home = parent.lastChild?.className === 'unsupported' ? parent.lastChild : parent;
  const text = home.lastChild;
  const from = text?.at === undefined ? -1 : text.data.search(/\S{1,24}\s?$/);
  if (from < 0) return parent.append(mark);
  const word = text.splitText(from);
  word.at = text.at + from;
  home.append(h('span.tied', word, mark));
}

function piece(parent, text, at) {
  const node = document.createTextNode(text);
  node.at = at;
  parent.append(node);
}
