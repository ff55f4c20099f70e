import type { INotebookContent } from '@jupyterlab/nbformat';
import { describe, expect, it } from 'vitest';

import { latest, storable } from '../src/cards/outputs';
import { MIME, VIEW } from '../src/cards/picture';
import type { Picture } from '../src/cards/picture';

const picture = (more: object): Picture =>
  ({ version: 1, task_id: 'a', final: false, now: 1, rows: [], ...more }) as unknown as Picture;

const notebook = (data: object): INotebookContent =>
  ({
    metadata: {},
    nbformat: 4,
    nbformat_minor: 5,
    cells: [
      { cell_type: 'markdown', source: '', metadata: {} },
      {
        cell_type: 'code',
        source: '',
        metadata: {},
        execution_count: 1,
        outputs: [{ output_type: 'display_data', data }],
      },
      {
        cell_type: 'code',
        source: '',
        metadata: {},
        execution_count: 2,
        outputs: [{ output_type: 'stream', name: 'stdout', text: 'hello' }],
      },
    ],
  }) as unknown as INotebookContent;

const stored = (content: INotebookContent): Record<string, unknown> =>
  (content.cells[1]?.outputs as { data: Record<string, unknown> }[])[0]?.data ?? {};

describe('a notebook that is saved', () => {
  it('holds the state that is seen, and no view', () => {
    const before = notebook({ [MIME]: picture({ graph: 'kept' }), [VIEW]: {}, 'text/plain': 'task' });
    const data = stored(storable(before, () => picture({ now: 2, title: 'seen' })));
    expect(data).toEqual({ [MIME]: picture({ now: 2, title: 'seen', graph: 'kept' }), 'text/plain': 'task' });
  });

  it('is left as it was in the page', () => {
    const before = notebook({ [MIME]: picture({}), [VIEW]: {} });
    storable(before, () => picture({ now: 2 }));
    expect(stored(before)).toEqual({ [MIME]: picture({}), [VIEW]: {} });
  });

  it.each([picture({ final: true }), picture({ lost: true })])('keeps an end as it is: %o', (end) => {
    expect(stored(storable(notebook({ [MIME]: end, [VIEW]: {} }), () => picture({ now: 2 })))).toEqual({ [MIME]: end });
  });

  it('keeps the views of other widgets', () => {
    const other = notebook({ [VIEW]: { model_id: 'b' } });
    expect(storable(other, () => undefined)).toEqual(other);
  });

  it('keeps what a newer version has written, but for the view', () => {
    const newer = { ...picture({}), version: 99 };
    const data = stored(storable(notebook({ [MIME]: newer, [VIEW]: {} }), () => undefined));
    expect(data).toEqual({ [MIME]: newer });
  });
});

describe('of two pictures of a task', () => {
  it('the newer one counts, also where it was drawn from a file', () => {
    expect(latest(picture({ now: 5 }), picture({ now: 2 })).now).toBe(5);
    expect(latest(picture({ now: 2 }), picture({ now: 5 })).now).toBe(5);
  });
});
