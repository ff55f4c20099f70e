import type { IDisposable } from '@lumino/disposable';

import type { CardOf } from '../kernel/rest';
import { asPicture } from './picture';
import type { Picture } from './picture';

/** How long a kernel may be silent before the server is asked; one that is free answers within milliseconds. */
const SILENT = 1000; // ms

/** The time from one picture to the next. */
const AGAIN = 3000; // ms

/**
 * Brings pictures of tasks over REST for as long as their kernel is silent, as it is to a page that was loaded while a
 * synchronous cell holds it. A task that cannot be told of so is asked for once.
 */
export class Filler implements IDisposable {
  /**
   * @param waiting - gives the ids of the tasks that the kernel has said nothing of.
   * @param cardOf - asks the server.
   * @param draw - takes what came.
   */
  constructor(
    private readonly _waiting: () => Iterable<string>,
    private readonly _cardOf: CardOf,
    private readonly _draw: (picture: Picture) => void,
  ) {}

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    clearTimeout(this._timer);
  }

  /** Something may wait. */
  start(): void {
    if (!this._isUnderWay && !this._isDisposed && this._next().length) {
      this._isUnderWay = true;
      this._later(SILENT);
    }
  }

  private _next(): string[] {
    return [...this._waiting()].filter((id) => !this._untold.has(id));
  }

  private _later(time: number): void {
    this._timer = setTimeout(() => {
      void this._bring().finally(() => {
        this._isUnderWay = !this._isDisposed && this._next().length > 0;
        if (this._isUnderWay) {
          this._later(AGAIN);
        }
      });
    }, time);
  }

  private async _bring(): Promise<void> {
    for (const id of this._next()) {
      const picture = asPicture(await this._cardOf(id));
      if (picture?.task_id !== id) {
        this._untold.add(id);
      } else if (!this._isDisposed && this._next().includes(id)) {
        // while the question was under way, the kernel has said nothing
        this._draw(picture);
      }
    }
  }

  private _isDisposed = false;
  private _isUnderWay = false;
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private readonly _untold = new Set<string>();
}
