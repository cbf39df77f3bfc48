// Byte offsets of UTF-8 into indexes of JavaScript strings. The server
// counts in the one, the page in the other.

import { h } from './dom.js';

/** The string index of each byte offset, in the order given; one pass over the text. */
export function indexes(text, offsets) {
  const order = offsets.map((offset, at) => [offset, at]).sort((a, b) => a[0] - b[0]);
  const found = new Array(offsets.length).fill(0);
  let byte = 0;
  let index = 0;
  for (const [offset, at] of order) {
    while (byte < offset && index < text.length) {
      const unit = text.charCodeAt(index);
      if (unit < 0x80) byte += 1;
      else if (unit < 0x800) byte += 2;
      else if (unit >= 0xd800 && unit < 0xdc00 && index + 1 < text.length) {
        byte += 4;
        index += 1;
      } else byte += 3;
      index += 1;
    }
    found[at] = index;
  }
  return found;
}

/** The same for ranges: `[[start, end], …]`. */
export function ranges(text, pairs) {
  const flat = indexes(text, pairs.flat());
  return pairs.map((_, at) => [flat[2 * at], flat[2 * at + 1]]);
}

/** A text with its matched words marked, cut around the first of them. */
export function snippet({ text, highlights }, most = 420) {
  const marked = ranges(text, highlights ?? []);
  const first = marked[0]?.[0] ?? 0;
  const from = first > most / 3 ? text.indexOf(' ', first - most / 4) + 1 : 0;
  const to = Math.min(text.length, from + most);
  const parts = [from > 0 && '… '];
  let at = from;
  for (const [start, end] of marked) {
    if (start < at || end > to) continue;
    parts.push(text.slice(at, start), h('mark', text.slice(start, end)));
    at = end;
  }
  parts.push(text.slice(at, to), to < text.length && ' …');
  return h('p.snippet', parts);
}
