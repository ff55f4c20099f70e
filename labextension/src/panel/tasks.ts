import type { StepInfo, TaskSummary } from '../kernel/protocol';

/** How a task or a step stands, as the icons of the card are called. */
export type Standing =
  'queued' | 'pending' | 'running' | 'asks' | 'cancelling' | 'completed' | 'failed' | 'skipped' | 'cancelled' | 'lost';

/** The parts of the list. */
export type Group = 'running' | 'queued' | 'recent';

/** A task as the list looks at it. */
export interface Listed {
  readonly task: TaskSummary;
  /** The name of its notebook. */
  readonly place: string;
}

/** What a list is narrowed to; an empty standing is any. */
export interface Filter {
  readonly text: string;
  readonly standing: Standing | '';
}

export function standingOf(task: TaskSummary): Standing {
  if (task.status !== 'RUNNING') {
    return task.status.toLowerCase() as Standing;
  }
  return task.cancelling ? 'cancelling' : task.asks === null ? 'running' : 'asks';
}

export function standingOfStep(step: StepInfo): Standing {
  return step.question === null ? (step.status.toLowerCase() as Standing) : 'asks';
}

export function groupOf({ status }: TaskSummary): Group {
  return status === 'RUNNING' ? 'running' : status === 'QUEUED' ? 'queued' : 'recent';
}

/** Whether a task passes a filter: every word of its text stands in its title, its name, its notebook or its words. */
export function passes({ task, place }: Listed, { text, standing }: Filter): boolean {
  if (standing && standing !== standingOf(task)) {
    return false;
  }
  const words = text.toLowerCase().split(/\s+/);
  const all = [task.title, task.name, place, task.phrase, task.error?.message].join(' ').toLowerCase();
  return words.every((word) => all.includes(word));
}

/** The tasks of each part in their order: what runs and waits as it came, what has ended the last one first. */
export function grouped<T extends Listed>(all: Iterable<T>, filter: Filter): Record<Group, T[]> {
  const groups: Record<Group, T[]> = { running: [], queued: [], recent: [] };
  for (const each of all) {
    if (passes(each, filter)) {
      groups[groupOf(each.task)].push(each);
    }
  }
  groups.running.sort(
    (a, b) => compare(a.task.started_at, b.task.started_at) || compare(a.task.task_id, b.task.task_id),
  );
  groups.queued.sort(
    (a, b) =>
      compare(a.place, b.place) ||
      (a.task.queue_place ?? Infinity) - (b.task.queue_place ?? Infinity) ||
      compare(a.task.queued_at, b.task.queued_at),
  );
  groups.recent.sort((a, b) => compare(b.task.ended_at, a.task.ended_at) || compare(b.task.task_id, a.task.task_id));
  return groups;
}

function compare(a: string | null, b: string | null): number {
  const [first, second] = [a ?? '', b ?? ''];
  return first < second ? -1 : first > second ? 1 : 0;
}

/** The words of a task's second line: what counts of its phrase, and what to add faintly. */
export function wordsOf({ task, place }: Listed, now: Date): [string, string] {
  const [word = '', fact] = task.phrase.split(', ');
  if (groupOf(task) === 'recent') {
    return [word, task.ended_at ? moment(new Date(task.ended_at), now) : place];
  }
  const isPlain = ['running', 'queued'].includes(standingOf(task));
  return [isPlain && fact !== undefined ? fact.replace(/ in the queue$/, '') : word, place];
}

/** When something was: today the time, before that the day. */
export function moment(then: Date, now: Date): string {
  return then.toDateString() === now.toDateString()
    ? then.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
    : then.toLocaleDateString([], { day: 'numeric', month: 'short' });
}

/** How much of a task is done, in percent; null where it has not begun. */
export function share({ status, steps_done: done, steps_total: total }: TaskSummary): number | null {
  return status === 'RUNNING' && total ? Math.min(100, (100 * done) / total) : null;
}

/** A time that has ended, in seconds. */
export function took(seconds: number, clock: (ms: number) => string): string {
  return seconds < 0.05 ? '<0.1 s' : seconds < 59.95 ? `${seconds.toFixed(1)} s` : clock(seconds * 1000);
}

/** A task whose kernel is gone, as it was last seen. */
export function lost(task: TaskSummary, phrase: string, now: Date): TaskSummary {
  return groupOf(task) === 'recent'
    ? task
    : {
        ...task,
        status: 'LOST',
        phrase,
        ended_at: now.toISOString(),
        queue_place: null,
        asks: null,
        cancelling: false,
      };
}

/** A step whose kernel is gone: one that ran stands still, and asks nobody. */
export function lostStep(step: StepInfo): StepInfo {
  return step.status === 'RUNNING' ? { ...step, status: 'LOST', question: null } : step;
}
