import { expect, test } from 'vitest';
import { plainText, visibleText } from './telegram-html.ts';

test('the reader sees text without tags and with entities decoded', () => {
  expect(visibleText('<b>1 &lt; 2</b> &amp; &quot;x&quot; &#128274;&#x1F512; <tg-spoiler>s</tg-spoiler>')).toBe(
    '1 < 2 & "x" 🔒🔒 s',
  );
});

test('what is no tag and no entity of Telegram is text', () => {
  expect(visibleText('1 < 2 > 0 &nbsp; &ltd &#0; & </ b <')).toBe('1 < 2 > 0 &nbsp; &ltd &#0; & </ b <');
});

test('an attribute may hold a closing bracket', () => {
  expect(visibleText('<a href="https://example.org/?a>b">x</a>')).toBe('x');
});

test('plain text keeps the address of a link', () => {
  expect(plainText('Pay <a href="https://example.org/?a=1&amp;b=2"><b>here</b></a>!')).toBe(
    'Pay here (https://example.org/?a=1&b=2)!',
  );
  expect(plainText("<a href='https://example.org'>https://example.org</a> <a>x</a> </a>")).toBe(
    'https://example.org x ',
  );
});

test('plain text of broken HTML drops the tags that are there', () => {
  expect(plainText('<b>bold <i>both</b> 1 < 2')).toBe('bold both 1 < 2');
});

/** What people type, and what programs write, as it must arrive where Telegram refuses the HTML. */
const PLAIN: Readonly<Record<string, string>> = {
  // What only looks like a tag stays.
  'New address: <help@vpn.example>. Old ones stop on 1 December.':
    'New address: <help@vpn.example>. Old ones stop on 1 December.',
  'x<y and y>z': 'x<y and y>z',
  'I <3 you, 1 < 2 > 0': 'I <3 you, 1 < 2 > 0',
  '<script>alert(1)</script>': '<script>alert(1)</script>',
  'put <your name> here, </your name>': 'put <your name> here, </your name>',
  '<i think so> and <b or not b>': '<i think so> and <b or not b>',
  '<+7 999 000-00-00> <@support> <> </> <!-- x --> <?php ?>':
    '<+7 999 000-00-00> <@support> <> </> <!-- x --> <?php ?>',
  '<бета> <b2> <big> <abbr>': '<бета> <b2> <big> <abbr>',
  // A tag that is not closed stays as well.
  'ends in <b': 'ends in <b',
  'ends in <a href="https://example.org/': 'ends in <a href="https://example.org/',
  '<a href="https://example.org>x</a>': '<a href="https://example.org>x',
  'a < b <b>c</b>': 'a < b c',
  // Telegram's own tags go, also where something is wrong with them.
  '<b>bold <i>both</b> 1 < 2': 'bold both 1 < 2',
  '<B>x</B > <STRONG\n>y</strong>': 'x y',
  '<tg-emoji emoji-id="1">🙂</tg-emoji><tg-spoiler>s</tg-spoiler><span class="tg-spoiler">t</span>': '🙂st',
  '<code class="language-sh">ls</code> <u>u</u> <ins>v</ins> <s>w</s> <del>x</del> <em>y</em>': 'ls u v w x y',
  // Entities are read once.
  '&lt;b&gt; &amp;amp; &quot;&#128274;&#x1F512;&quot; &lt &nbsp; &#55357; &': '<b> &amp; "🔒🔒" < &nbsp; &#55357; &',
  // Blocks and breaks become line breaks, one for each.
  'a<br>b<br/>c<br />d<BR>e': 'a\nb\nc\nd\ne',
  'a<br><br>b\n<br>c': 'a\n\nb\n\nc',
  '<p>one</p><p class="x">two</p>three': 'one\ntwo\nthree',
  '<div>one</div>\n<div>two</div>': 'one\ntwo',
  '<h1>Title</h1><ul><li>a</li><li>b</li></ul>c': 'Title\na\nb\nc',
  'a<blockquote expandable>q</blockquote>b<pre>p</pre>c': 'a\nq\nb\np\nc',
  // Links keep their address, once.
  'Pay <a href="https://example.org/?a=1&amp;b=2"><b>here</b></a>!': 'Pay here (https://example.org/?a=1&b=2)!',
  '<a href=https://example.org/pay>pay</a>': 'pay (https://example.org/pay)',
  '<a class="x" href=\'https://example.org\'>https://example.org</a>': 'https://example.org',
  '<a href="https://a.example/?q=<b>">a</a><a href="https://b.example">b</a>':
    'a (https://a.example/?q=<b>)b (https://b.example)',
  '<a href="https://example.org">never closed': 'never closed (https://example.org)',
  '<a href="https://a.example">a <a href="https://b.example">b</a>': 'a  (https://a.example)b (https://b.example)',
  '<a>x</a> </a> <a href="">y</a>': 'x  y',
};

test.each(Object.entries(PLAIN))('without HTML, %j keeps every word', (html, plain) => {
  expect(plainText(html)).toBe(plain);
});
