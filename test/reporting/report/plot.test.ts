import test from 'ava';
import { isWide, type Look } from '../../../src/reporting/report/axes.ts';
import type { Point } from '../../../src/reporting/report/measured.ts';
import { drawPoints } from '../../../src/reporting/report/plot.ts';

const LOOK: Look = { title: 'A <title> & "$&"', kind: 'line', x: 'learning rate', y: 'energy loss' };
const ours = (x: string | number, y: number, more: Partial<Point> = {}): Point => ({
  x,
  y,
  who: 'ours',
  ...more,
});
const axes = (svg: string) => [...svg.matchAll(/aria-label="([XY]-axis[^"]*)"/g)].map(([, label]) => label);
const heights = (svg: string) =>
  [...svg.matchAll(/aria-roledescription="bar"[^>]*d="M[\d.,-]+h[\d.-]+v([\d.-]+)/g)].map(([, height]) =>
    Number(height),
  );

test('a plot says what it shows, and so does each mark; nothing in it is markup of others', async (t) => {
  const svg = await drawPoints(
    [ours('<b>', 1, { runs: 3, low: 0.5, high: 2 }), { x: '<b>', y: 4.7, who: 'paper' }],
    {
      ...LOOK,
      kind: 'bar',
    },
  );
  t.regex(
    svg,
    /^<svg role="img" aria-label="A &lt;title&gt; &amp; &quot;\$&amp;&quot;: energy loss over learning rate, 1 point, 1 to 1"[^>]*><title>A &lt;title&gt;/,
  );
  t.regex(svg, /learning rate: &lt;b&gt;; energy loss: 1 \(mean of 3, 0\.5000 … 2\)/);
  t.regex(svg, /energy loss: 4\.700; the paper/);
  t.notRegex(svg, /<b>|<title> /);
});

test('an axis is logarithmic where its positive values go over more than 30 times', async (t) => {
  t.deepEqual(
    [isWide([1, 31]), isWide([1, 30]), isWide([0, 31]), isWide([-1, 31]), isWide([5])],
    [true, false, false, false, false],
  );
  const wide = axes(await drawPoints([ours('0.001', 2), ours('0.1', 700)], LOOK));
  t.regex(wide[0], /X-axis titled 'learning rate' for a log scale/);
  t.regex(wide[1], /Y-axis titled 'energy loss' for a log scale/);
  const narrow = axes(await drawPoints([ours('0.001', 2), ours('0.01', 7)], LOOK));
  t.true(
    narrow.every((axis) => axis.includes('linear scale')),
    narrow.join(),
  );
  const steps = axes(await drawPoints([ours(1, 2), ours(1000, 7)], { ...LOOK, hasSteps: true }));
  t.regex(steps[0], /linear scale/);
  const touchesZero = axes(await drawPoints([ours('a', 2, { low: 0, high: 3 }), ours('b', 700)], LOOK));
  t.regex(touchesZero[1], /linear scale/);
});

test('bars of one place stand side by side, and each is as high as its value', async (t) => {
  const points = [ours('a', 2, { color: 'u' }), ours('a', 4, { color: 'v' })];
  const svg = await drawPoints(points, { ...LOOK, kind: 'bar', color: 'head' });
  const [low, high] = heights(svg);
  t.true(Math.abs(high / low - 2) < 1e-9, `${low} and ${high}`);
  t.regex(axes(svg)[1], /values from 0 to 4$/);
});

test('bars over a wide range are points, for a logarithmic axis has no zero to begin at', async (t) => {
  const svg = await drawPoints([ours('a', 2), ours('b', 4000)], { ...LOOK, kind: 'bar' });
  t.regex(axes(svg)[1], /log scale/);
  t.deepEqual(heights(svg), []);
});

test('text that XML can’t hold does not get into a plot', async (t) => {
  const svg = await drawPoints([ours('a\u0000\ud800', 1)], { ...LOOK, title: 'x\u001b[31m' });
  // biome-ignore lint/suspicious/noControlCharactersInRegex: their absence is what is tested
  t.notRegex(svg, /[\u0000-\u0008\u001b]|\p{Surrogate}/u);
});
