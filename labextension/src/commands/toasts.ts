import { Notification } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';

import type { Keeper } from '../cards/keeper';
import type { Picture } from '../cards/picture';

/** A person who looks on may miss a toast; one who is away finds it. */
const SHOWN = 15_000; // ms

const TYPES: Record<string, Notification.TypeOptions> = { COMPLETED: 'success', FAILED: 'error' };

/** Tells of the end of a task that took long and that nobody saw. */
export class Toasts {
  /**
   * @param go - goes to the cell of a task.
   * @param wanted - whether a person wants to be told.
   */
  constructor(
    private readonly _trans: TranslationBundle,
    private readonly _go: (id: string) => void,
    private readonly _wanted: () => boolean,
  ) {}

  /** A task has ended. */
  async tell(keeper: Keeper, picture: Picture): Promise<void> {
    const { task_id: id, started, ended } = picture;
    if (!this._wanted() || !started || !ended || isSeen(id)) {
      return;
    }
    const after = await longFrom(keeper);
    if (after === null || ended - started < after * 1000) {
      return;
    }
    const isAway = document.hidden || !document.hasFocus();
    Notification.emit(picture.said, TYPES[picture.status] ?? 'info', {
      autoClose: isAway ? false : SHOWN,
      actions: [
        {
          label: this._trans.__('Go to cell'),
          callback: () => {
            this._go(id);
          },
        },
      ],
    });
  }
}

/** From how many seconds on the end of a task is told; null where the kernel does not say, or not at all. */
async function longFrom(keeper: Keeper): Promise<number | null> {
  try {
    const { settings } = (await keeper.hub.ask({ kind: 'hello' })) as { settings: Record<string, unknown> };
    const after = settings.notify_after;
    return typeof after === 'number' && after > 0 ? after : null;
  } catch {
    return null; // a toast is no loss
  }
}

/** Whether a card of this task is before somebody's eyes. */
function isSeen(id: string): boolean {
  if (document.hidden || !document.hasFocus()) {
    return false;
  }
  for (const node of document.querySelectorAll<HTMLElement & { aura?: () => Picture }>('.aura-card')) {
    if (node.aura?.().task_id === id && isInView(node)) {
      return true;
    }
  }
  return false;
}

function isInView(node: HTMLElement): boolean {
  const { top, bottom, width, height } = node.getBoundingClientRect();
  if (!width || !height) {
    return false;
  }
  const frame = node.closest('.jp-WindowedPanel-outer, .lm-Panel')?.getBoundingClientRect();
  return bottom > Math.max(0, frame?.top ?? 0) && top < Math.min(innerHeight, frame?.bottom ?? innerHeight);
}
