import type { TranslationBundle } from '@jupyterlab/translation';

import { cardsIn } from '../cards/outputs';
import type { Book, Entry } from './book';
import { arrange, el, setHidden, setText } from './dom';
import { Item } from './item';
import type { Deeds } from './item';
import { grouped } from './tasks';
import type { Filter, Group } from './tasks';

/** So many ended tasks are drawn. */
const RECENT = 50;

const GROUPS: readonly Group[] = ['running', 'queued', 'recent'];

/** The tasks, in three parts. */
export class TaskList {
  constructor(
    private readonly _book: Book,
    private readonly _deeds: Deeds,
    private readonly _trans: TranslationBundle,
  ) {
    const names = { running: _trans.__('Running'), queued: _trans.__('Queued'), recent: _trans.__('Recent') };
    for (const group of GROUPS) {
      const part = {
        section: el('section'),
        number: el('span'),
        list: el('ol'),
      };
      part.section.append(el('h2', 'a-sech', `${names[group]} `, part.number), part.list);
      this._parts[group] = part;
      this.node.append(part.section);
    }
    this.node.addEventListener('keydown', this._onKey);
  }

  readonly node = el('div', 'aura-Panel-list');

  /** How many tasks are shown. */
  get shown(): number {
    return this._shown;
  }

  /** Draw the tasks that have changed; where the order may be another, all. */
  draw(changed: ReadonlySet<Entry> | 'all', filter: Filter): void {
    const now = new Date();
    const groups = grouped(this._book.entries(), filter);
    const cells = this._withCells();
    const waiting = new Map<unknown, number>();
    for (const { desk, task } of this._book.entries()) {
      if (task.status === 'QUEUED' && task.queue_place !== null) {
        waiting.set(desk, (waiting.get(desk) ?? 0) + 1);
      }
    }
    // its buttons hang on whether a cell shows it, and on how many wait with it
    const hasOthers = ({ desk, task }: Entry) =>
      cells.has(task.task_id) !== this._cells.has(task.task_id) ||
      (task.status === 'QUEUED' && waiting.get(desk) !== this._waiting.get(desk));
    const kept = new Set<Entry>();
    for (const group of GROUPS) {
      const entries = group === 'recent' ? groups[group].slice(0, RECENT) : groups[group];
      const nodes = entries.map((entry) => {
        kept.add(entry);
        let item = this._items.get(entry);
        const isNew = !item;
        if (!item) {
          item = new Item(entry, this._deeds, this._trans);
          this._items.set(entry, item);
        }
        if (isNew || changed === 'all' || changed.has(entry) || hasOthers(entry)) {
          item.draw(cells.has(entry.task.task_id), waiting.get(entry.desk) ?? 0, now);
        }
        return item.node;
      });
      const { section, number, list } = this._parts[group];
      setHidden(section, !entries.length);
      const all = groups[group].length;
      setText(number, all > nodes.length ? this._trans.__('%1 of %2', nodes.length, all) : String(all));
      arrange(list, nodes);
    }
    const known = new Set(this._book.entries());
    for (const [entry, item] of this._items) {
      // what is hidden by the filter alone stays open
      if (!kept.has(entry) && !(item.isOpen && known.has(entry))) {
        this._items.delete(entry);
        delete entry.steps;
      }
    }
    this._shown = kept.size;
    this._cells = cells;
    this._waiting = waiting;
  }

  /** A second has passed. */
  tick(): void {
    for (const item of this._items.values()) {
      item.tick();
    }
  }

  /** The ids of the tasks that have cards in cells. */
  private _withCells(): Set<string> {
    const found = new Set<string>();
    for (const { context } of this._book) {
      for (const { picture } of cardsIn(context.model.cells)) {
        found.add(picture.task_id);
      }
    }
    return found;
  }

  /** The arrow keys go from task to task. */
  private readonly _onKey = (event: KeyboardEvent): void => {
    const titles = [...this.node.querySelectorAll<HTMLElement>('section:not([hidden]) .a-title')];
    const at = titles.indexOf(event.target as HTMLElement);
    const places: Record<string, number> = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      Home: 0,
      End: titles.length - 1,
    };
    const next = at < 0 ? undefined : titles[places[event.key] ?? -1];
    if (next) {
      event.preventDefault();
      next.focus();
    }
  };

  private _shown = 0;
  private _cells = new Set<string>();
  private _waiting = new Map<unknown, number>();
  private readonly _items = new Map<Entry, Item>();
  private readonly _parts = {} as Record<Group, { section: HTMLElement; number: HTMLElement; list: HTMLOListElement }>;
}
