import { YNotebook } from '@jupyter/ydoc';
import type { YCodeCell } from '@jupyter/ydoc';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { applyAwarenessUpdate, encodeAwarenessUpdate } from 'y-protocols/awareness';
import { applyUpdate } from 'yjs';

import { Turns } from '../src/cards/turns';

const LATENCY = 300; // ms
const ALL = 10_000; // ms, of more turns than there are
const FAR = 'from another page';

const output = (text: string): never =>
  ({ output_type: 'display_data', data: { 'text/plain': text }, metadata: {} }) as never;

/** A page that has a shared notebook open, and brings the ends of tasks into the outputs that show them. */
class Page {
  notebook = new YNotebook();
  turns = new Turns({ collaborative: true, sharedModel: this.notebook }, (ids) => {
    this.write(ids);
  });

  get outputs(): string[] {
    return this._cell.getOutputs().map((each) => (each.data as Record<string, string>)['text/plain'] ?? '');
  }

  write(ids: ReadonlySet<string>): void {
    this.outputs.forEach((text, index) => {
      if (ids.has(text)) {
        this._cell.updateOutputs(index, index + 1, [output(`end of ${text}`)]);
      }
    });
  }

  private get _cell(): YCodeCell {
    return this.notebook.getCell(0) as YCodeCell;
  }

  /** What it does is with another page after some time. */
  tell(other: Page): void {
    this.notebook.ydoc.on('update', (update: Uint8Array, origin: unknown) => {
      if (origin !== FAR) {
        setTimeout(() => {
          applyUpdate(other.notebook.ydoc, update, FAR);
        }, LATENCY);
      }
    });
    const { awareness } = this.notebook;
    awareness.setLocalStateField('user', { name: 'somebody' });
    applyAwarenessUpdate(other.notebook.awareness, encodeAwarenessUpdate(awareness, [awareness.clientID]), FAR);
  }
}

let pages: [Page, Page];

beforeEach(() => {
  vi.useFakeTimers();
  const [one, other] = (pages = [new Page(), new Page()]);
  one.tell(other);
  other.tell(one);
  one.notebook.insertCell(0, { cell_type: 'code', source: '' });
  (one.notebook.getCell(0) as YCodeCell).setOutputs([output('a'), output('b')]);
  vi.advanceTimersByTime(LATENCY);
});

afterEach(() => {
  for (const { turns, notebook } of pages) {
    turns.dispose();
    notebook.dispose();
  }
  vi.useRealTimers();
});

const shown = (): string[][] => pages.map((page) => page.outputs);

describe('the turns of pages that share a notebook', () => {
  it('are needed: two that write at the same time would both add an output', () => {
    pages.forEach((page) => {
      page.write(new Set('a'));
    });
    vi.advanceTimersByTime(LATENCY);
    expect(shown()).toEqual(pages.map(() => ['end of a', 'end of a', 'b']));
  });

  it('let one write, and the other find that it is written', () => {
    pages.forEach(({ turns }) => {
      turns.take('a');
      turns.take('a');
    });
    vi.advanceTimersByTime(ALL);
    expect(shown()).toEqual(pages.map(() => ['end of a', 'b']));
  });

  it.each([600, 1200, 1800, 2400])('are one for each end, also for one that comes %d ms after another', (later) => {
    pages.forEach(({ turns }) => {
      turns.take('a');
    });
    vi.advanceTimersByTime(later);
    pages.forEach(({ turns }) => {
      turns.take('b');
    });
    vi.advanceTimersByTime(ALL);
    expect(shown()).toEqual(pages.map(() => ['end of a', 'end of b']));
  });

  it('leave the first to JupyterLab, where that has run the cell', () => {
    pages.forEach(({ turns }) => {
      turns.take('a');
    });
    pages[1].write(new Set('a'));
    vi.advanceTimersByTime(ALL);
    expect(shown()).toEqual(pages.map(() => ['end of a', 'b']));
  });

  it('come at once for the first page where JupyterLab has nothing to write', () => {
    pages.forEach(({ turns }) => {
      turns.take('a', true);
    });
    vi.advanceTimersByTime(LATENCY);
    expect(shown()).toEqual(pages.map(() => ['end of a', 'b']));
    vi.advanceTimersByTime(ALL);
    expect(shown()).toEqual(pages.map(() => ['end of a', 'b']));
  });

  it('are not taken where the page has left the notebook', () => {
    pages[0].turns.take('a');
    pages[0].turns.dispose();
    vi.advanceTimersByTime(ALL);
    expect(shown()).toEqual(pages.map(() => ['a', 'b']));
  });

  it('are not waited for where the notebook is not shared', () => {
    const alone = new Turns({ collaborative: false, sharedModel: pages[0].notebook }, (ids) => {
      pages[0].write(ids);
    });
    alone.take('a');
    expect(pages[0].outputs).toEqual(['end of a', 'b']);
  });
});
