import { describe, expect, it } from 'vitest';

import type { TaskSummary } from '../src/kernel/protocol';
import { choicesOf, filled, kindOf, limitsOf, plain } from '../src/panel/fields';
import type { InputField, Written } from '../src/panel/fields';
import { grouped, lost, moment, passes, share, standingOf, took, wordsOf } from '../src/panel/tasks';
import type { Listed } from '../src/panel/tasks';

const NOON = new Date(2026, 10, 24, 12, 0);

function listed(id: string, more: Partial<TaskSummary> = {}, place = 'delays.ipynb'): Listed {
  const task: TaskSummary = {
    task_id: id,
    name: null,
    title: `Task ${id}`,
    status: 'RUNNING',
    cancelling: false,
    phrase: 'Running, 1 of 3 steps',
    queue_place: null,
    queued_at: NOON.toISOString(),
    started_at: NOON.toISOString(),
    ended_at: null,
    duration: 1,
    steps_done: 1,
    steps_total: 3,
    steps_failed: 0,
    error: null,
    asks: null,
    log: 0,
    told: null,
    ...more,
  };
  return { task, place };
}

const queued = (id: string, place: number | null, notebook?: string): Listed =>
  listed(id, { status: 'QUEUED', queue_place: place, phrase: 'Queued, 1st in the queue', started_at: null }, notebook);
const ended = (id: string, minute: number): Listed =>
  listed(id, {
    status: 'COMPLETED',
    phrase: 'Completed, 3 steps',
    ended_at: new Date(+NOON + minute * 6e4).toISOString(),
  });
const ids = (all: Listed[]): string => all.map(({ task }) => task.task_id).join('');
const ANY = { text: '', standing: '' } as const;

describe('the list', () => {
  it('has what runs and waits in its order, and what ended last first', () => {
    const later = listed('b', { started_at: new Date(+NOON + 1).toISOString() });
    const all = [ended('x', 1), queued('d', 2), later, queued('e', null), ended('y', 2), listed('a'), queued('c', 1)];
    const groups = grouped([...all, queued('f', 1, 'other.ipynb')], ANY);
    expect([ids(groups.running), ids(groups.queued), ids(groups.recent)]).toEqual(['ab', 'cdef', 'yx']);
  });

  it('is narrowed by every word of a text, and by the status', () => {
    const asking = listed('a', { asks: 'approve', title: 'Nightly Report' });
    expect(standingOf(asking.task)).toBe('asks');
    expect(passes(asking, { text: 'report  DELAYS', standing: 'asks' })).toBe(true);
    expect(passes(asking, { text: 'report weather', standing: '' })).toBe(false);
    expect(passes(asking, { text: '', standing: 'running' })).toBe(false);
    const failed = listed('b', { status: 'FAILED', error: { type: 'KeyError', message: 'tailnum', step: null } });
    expect(passes(failed, { text: 'tailnum', standing: 'failed' })).toBe(true);
  });

  it('says in a few words how a task stands', () => {
    expect(wordsOf(listed('a'), NOON)).toEqual(['1 of 3 steps', 'delays.ipynb']);
    expect(wordsOf(queued('a', 1), NOON)).toEqual(['1st', 'delays.ipynb']);
    const asking = listed('a', { asks: 'approve', phrase: 'Waiting for you, 1 of 3 steps' });
    expect(wordsOf(asking, NOON)[0]).toBe('Waiting for you');
    expect(wordsOf(listed('a', { cancelling: true, phrase: 'Cancelling… waiting for b to stop' }), NOON)[0]).toBe(
      'Cancelling… waiting for b to stop',
    );
    const [word, when] = wordsOf(ended('a', 0), NOON);
    expect([word, when]).toEqual(['Completed', moment(NOON, NOON)]);
    expect(moment(NOON, NOON)).toBe('12:00');
    expect(moment(new Date(2026, 10, 23), NOON)).toMatch(/23/);
    expect(took(0.01, String)).toBe('<0.1 s');
    expect(took(12.34, String)).toBe('12.3 s');
    expect(took(59.96, String)).toBe('59960');
    expect(share(listed('a').task)).toBeCloseTo(100 / 3);
    expect(share(queued('a', 1).task)).toBeNull();
  });

  it('keeps what has ended when the kernel stops', () => {
    expect(lost(ended('a', 0).task, 'stopped', NOON).status).toBe('COMPLETED');
    const gone = lost(queued('a', 1).task, 'stopped', NOON);
    expect([gone.status, gone.phrase, gone.queue_place]).toEqual(['LOST', 'stopped', null]);
  });
});

function field(name: string, type: string, more: Partial<InputField> = {}): InputField {
  const none = { required: true, description: '', has_default: false, default: null, choices: [] };
  return { name, type, ...none, min: null, max: null, variable: null, offers: [], ...more };
}

describe('the form', () => {
  it('has a kind of field for each input', () => {
    const kinds = [
      field('a', 'string'),
      field('b', 'secret', { choices: ['"x"'] }),
      field('c', 'integer'),
      field('d', 'list[number]'),
      field('e', 'any'),
      field('f', 'boolean', { default: 'true' }),
      field('g', 'boolean'),
      field('h', 'string', { choices: ['"JFK"', '"LGA"'] }),
      field('i', 'any', { offers: [{ name: 'df', preview: 'DataFrame 3 × 2' }] }),
    ].map(kindOf);
    expect(kinds).toEqual(['text', 'secret', 'number', 'yaml', 'yaml', 'check', 'choice', 'choice', 'variable']);
    expect(choicesOf(field('g', 'boolean'))).toEqual(['true', 'false']);
    expect([plain('"JFK"'), plain('3'), plain('[1, 2]')]).toEqual(['JFK', '3', '[1, 2]']);
  });

  it('says beside a name what may be filled in', () => {
    const words = { default: 'default', optional: 'optional', to: 'to' };
    const said = (type: string, more: Partial<InputField>): string => limitsOf(field('a', type, more), words);
    expect(said('number', { min: 0, max: 1 })).toBe('number, 0 to 1');
    expect(said('number', { min: 0, required: false })).toBe('number, ≥ 0, optional');
    expect(said('string', { default: '"JFK"', required: false })).toBe('string, default JFK');
    expect(said('boolean', { default: 'true', required: false })).toBe('boolean');
  });

  it('gives text as it is, lets the kernel read the rest, and leaves out what is empty', () => {
    const fields = [
      field('title', 'string'),
      field('key', 'secret'),
      field('rate', 'number'),
      field('days', 'list'),
      field('airport', 'string', { choices: ['"JFK"'] }),
      field('frame', 'any', { variable: 'list of 3' }),
      field('rows', 'any', { offers: [{ name: 'df', preview: 'DataFrame 3 × 2' }] }),
      field('more', 'any', { offers: [{ name: 'df', preview: 'DataFrame 3 × 2' }] }),
    ];
    const texts = { title: ' 3', key: 'a: b', rate: '0.5', days: '[1]', airport: '"JFK"', frame: ' ', more: '{a: 1}' };
    const written = new Map<string, Written>(Object.entries(texts).map(([name, text]) => [name, { text }]));
    written.set('rows', { variable: 'df' });
    expect(filled(fields, written)).toEqual({
      inputs: { title: ' 3', key: 'a: b' },
      texts: { rate: '0.5', days: '[1]', airport: '"JFK"', more: '{a: 1}' },
      variables: { rows: 'df' },
    });
    expect(filled(fields, new Map())).toEqual({ inputs: {}, texts: {}, variables: {} });
    const odd = { ...fields[0], name: '__proto__' } as InputField;
    expect(JSON.stringify(filled([odd], new Map([['__proto__', { text: 'x' }]])).inputs)).toBe('{"__proto__":"x"}');
  });
});
