import test from 'ava';
import { stateBytes, stepTime } from '../../src/pipeline/index.ts';

const SIZE = { parameters: 1e8, flops: 1e15, parts: 64 };
const SPEED = { flops: 1e12, bandwidth: 1e9, latency: 1e-3 };
const isNear = (value: number, expected: number) => Math.abs(value - expected) <= 1e-9 * Math.abs(expected);

test('one rank sends nothing and loses nothing', (t) => {
  const { strong, sentBytes } = stepTime(SIZE, SPEED, 1, 64);
  t.is(sentBytes, 0);
  t.is(strong.exchange, 0);
  t.is(strong.efficiency, 1);
  t.true(isNear(strong.compute, 1000));
  // Seven passes over 0.4 GB at 10 GB/s.
  t.true(isNear(strong.update, 0.28));
});

test('of four ranks each computes a quarter, and sends one and a half times the gradients', (t) => {
  const { strong, weak, sentBytes } = stepTime(SIZE, SPEED, 4, 16);
  t.is(sentBytes, 2 * 4e8 * 0.75);
  t.true(isNear(strong.compute, 250));
  t.true(isNear(weak.compute, 250));
  // 0.6 GB at 1 GB/s, six stretches of 4 rounds and 16 messages, seven passes.
  t.true(isNear(strong.exchange, 0.6 + 6 * (4e-3 + 16 * 5e-6) + 0.28), String(strong.exchange));
  t.true(strong.efficiency < 1 && strong.efficiency > 0.99);
});

test('more ranks than parts of a step are of no use', (t) => {
  const [most, tooMany] = [64, 128].map((ranks) => stepTime(SIZE, SPEED, ranks, 1));
  t.true(most.isShared);
  t.false(tooMany.isShared);
  t.is(tooMany.strong.compute, most.strong.compute);
});

test('a rank holds parameters, moments and the open sums of its tree', (t) => {
  t.is(stateBytes(1e6, 1, 1), 4e6 * 5);
  t.is(stateBytes(1e6, 8, 4), 4e6 * 9);
});
