import type { IMimeBundle } from '@jupyterlab/nbformat';

/** Counts changes that an older end would misunderstand; aura_jupyter/protocol.py has the kernel's. */
export const PROTOCOL = 1;

/** The name of the comms between a page and a kernel, at both ends. */
export const TARGET = 'aura';

/** What a kernel says on a comm, all of it or some. A bundle is the `data` of an output. */
export interface FromKernel {
  readonly protocol: number;
  /** Of tasks that are under way, with the widget's view. */
  readonly live?: readonly IMimeBundle[];
  /** Of tasks that have ended, without it. */
  readonly final?: readonly IMimeBundle[];
  /** Ids that were asked for and that the kernel does not know. */
  readonly gone?: readonly string[];
  /** To a page that has a panel. */
  readonly events?: readonly TaskEvent[];
}

/** A task in a list. */
export interface TaskSummary {
  readonly task_id: string;
  readonly name: string | null;
  readonly title: string;
  readonly status: 'QUEUED' | 'RUNNING' | 'COMPLETED' | 'FAILED' | 'CANCELLED' | 'LOST';
  readonly cancelling: boolean;
  readonly phrase: string;
  readonly queue_place: number | null;
  readonly queued_at: string;
  readonly started_at: string | null;
  readonly ended_at: string | null;
  readonly duration: number | null;
  readonly steps_done: number;
  readonly steps_total: number;
  readonly steps_failed: number;
  readonly error: { readonly type: string; readonly message: string; readonly step: string | null } | null;
  readonly asks: string | null;
  readonly log: number;
  /** The sentence to tell a person who did not see a long task end. */
  readonly told: string | null;
}

/** A step of a task. */
export interface StepInfo {
  readonly row: string;
  readonly name: string;
  readonly section: 'steps' | 'on_error' | 'finally';
  readonly status: string;
  readonly action: string;
  readonly detail: string;
  readonly attempts: number;
  readonly duration: number | null;
  readonly done: number | null;
  readonly total: number | null;
  readonly question: string | null;
  readonly choices: readonly string[];
}

/** A task, and the steps of it that have changed, as they are now. */
export interface TaskEvent {
  readonly number: number;
  readonly task: TaskSummary;
  readonly steps: readonly StepInfo[];
}

/** One mistake in a spec or an input. Lines count from 1. */
export interface ProblemInfo {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
  readonly line: number | null;
  readonly path: string;
}

/** What comes back for a request. */
export type Reply =
  | { readonly status: 'ok'; readonly protocol: number; readonly answer: unknown }
  | {
      readonly status: 'error';
      readonly protocol: number;
      readonly failure: { readonly code: string; readonly message: string; readonly problems?: readonly ProblemInfo[] };
    };
