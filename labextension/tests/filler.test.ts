import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { Filler } from '../src/cards/filler';
import type { Picture } from '../src/cards/picture';

let waiting: Set<string>;
let asked: string[];
let drawn: Picture[];
let answers: Record<string, unknown>;
let filler: Filler;

const picture = (id: string, more: object = {}): object => ({ version: 1, task_id: id, rows: [], ...more });

beforeEach(() => {
  vi.useFakeTimers();
  waiting = new Set();
  asked = [];
  drawn = [];
  answers = {};
  filler = new Filler(
    () => waiting,
    (id) => {
      asked.push(id);
      return Promise.resolve(answers[id] ?? null);
    },
    (each) => drawn.push(each),
  );
});

afterEach(() => {
  filler.dispose();
  vi.useRealTimers();
});

const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

describe('a filler', () => {
  it('asks for nothing where nothing waits, and none where the kernel answers soon', async () => {
    filler.start();
    waiting.add('a');
    filler.start();
    await pass(500);
    waiting.delete('a');
    await pass(60_000);
    expect(asked).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('brings one picture after another until the kernel answers', async () => {
    waiting.add('a');
    answers.a = picture('a', { now: 1 });
    filler.start();
    filler.start();
    await pass(1000);
    expect(drawn.map(({ now }) => now)).toEqual([1]);
    answers.a = picture('a', { now: 2 });
    await pass(3000);
    expect(drawn.map(({ now }) => now)).toEqual([1, 2]);
    waiting.delete('a');
    await pass(60_000);
    expect(drawn).toHaveLength(2);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('starts anew for a card that comes later', async () => {
    waiting.add('a');
    answers = { a: picture('a'), b: picture('b') };
    filler.start();
    await pass(1000);
    waiting.delete('a');
    await pass(3000);
    waiting.add('b');
    filler.start();
    await pass(1000);
    expect(asked).toEqual(['a', 'b']);
  });

  it.each([
    ['no extension or a refusal', null],
    ['another task', picture('b')],
    ['a picture of another version', picture('a', { version: 2 })],
  ])('asks once where there is %s', async (_, answer) => {
    waiting.add('a');
    answers.a = answer;
    filler.start();
    await pass(60_000);
    filler.start();
    await pass(60_000);
    expect(asked).toEqual(['a']);
    expect(drawn).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('draws nothing over what the kernel has said while the question was under way', async () => {
    let answer: (value: unknown) => void = () => undefined;
    const slow = new Filler(
      () => waiting,
      () =>
        new Promise((done) => {
          answer = done;
        }),
      (each) => drawn.push(each),
    );
    waiting.add('a');
    slow.start();
    await pass(1000);
    waiting.delete('a');
    answer(picture('a'));
    await pass(60_000);
    expect(drawn).toEqual([]);
    slow.dispose();
  });

  it('asks no more once it is disposed', async () => {
    waiting.add('a');
    answers.a = picture('a');
    filler.start();
    filler.dispose();
    await pass(60_000);
    filler.start();
    await pass(60_000);
    expect(asked).toEqual([]);
  });
});
