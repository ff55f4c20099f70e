import { URLExt } from '@jupyterlab/coreutils';
import type { Kernel } from '@jupyterlab/services';
import { ServerConnection } from '@jupyterlab/services';
import type { JSONObject } from '@lumino/coreutils';

import { ask, NoAnswer, Refused } from '../kernel/control';

/** One mistake in a spec. Lines and columns count from 1, columns in code points; null where there is no place. */
export interface Problem {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
  readonly line: number | null;
  readonly column: number | null;
  readonly end_column: number | null;
  /** What to write in place of what stands between the columns. */
  readonly fix: string | null;
}

/** What may stand at a place. */
export interface Offer {
  readonly text: string;
  readonly kind: string;
  readonly signature: string;
  readonly doc: string;
}

/** What may stand at a place, in the order to show it. */
export interface Offers {
  /** Where the word begins that they stand for, in code points. */
  readonly start: number;
  readonly items: readonly Offer[];
}

/** The problems of a spec, and who found them: a server does not know the functions of a notebook. */
export interface Findings {
  readonly problems: readonly Problem[];
  readonly by: 'kernel' | 'server';
}

/** Where a spec is written: the kernel of its notebook, if there is one and the page is connected to it. */
export type Kernels = () => Kernel.IKernelConnection | null;

async function isThere(kernel: Kernel.IKernelConnection): Promise<boolean> {
  try {
    await ask(kernel, { kind: 'hello' });
    return true;
  } catch (error) {
    if (error instanceof NoAnswer || error instanceof Refused) {
      return false;
    }
    throw error;
  }
}

function lower(problem: Problem, lines: number): Problem {
  return { ...problem, line: problem.line === null ? null : problem.line + lines };
}

/** Asks the kernel about a spec, or the server where there is no kernel or it has not loaded Aura. */
export class Assistant {
  constructor(settings: ServerConnection.ISettings) {
    this._settings = settings;
  }

  /** The problems of a spec; null where nobody can tell. `above` are the lines of the cell above it. */
  async validate(kernels: Kernels, spec: string, above: readonly string[]): Promise<Findings | null> {
    const kernel = await this._ofKernel(kernels(), { kind: 'validate', task_spec: spec, above: [...above] });
    if (kernel !== null) {
      return { problems: (kernel as { problems: Problem[] }).problems, by: 'kernel' };
    }
    const server = await this._ofServer('validate', { task_spec: spec });
    if (server === null) {
      return null;
    }
    const { problems } = server as { problems: Problem[] }; // the server knows of no cell
    return { problems: problems.map((each) => lower(each, above.length)), by: 'server' };
  }

  /** What may stand at a place of a spec; null where nobody can tell. */
  async complete(kernels: Kernels, text: string, at: number): Promise<Offers | null> {
    const answer =
      (await this._ofKernel(kernels(), { kind: 'complete', text, at })) ??
      (await this._ofServer('complete', { text, at }));
    return answer as Offers | null;
  }

  /** What is known of a place of a spec; null where nothing is. */
  async inspect(kernels: Kernels, text: string, at: number): Promise<string | null> {
    const answer =
      (await this._ofKernel(kernels(), { kind: 'inspect', text, at })) ??
      (await this._ofServer('inspect', { text, at }));
    return answer === null ? null : (answer as { text: string | null }).text;
  }

  /** Ask a kernel again that did not answer: it may have loaded Aura since. */
  reconsider(kernel: Kernel.IKernelConnection): void {
    this._answers.delete(kernel);
  }

  private async _ofKernel(kernel: Kernel.IKernelConnection | null, content: JSONObject): Promise<unknown> {
    if (kernel === null) {
      return null;
    }
    const answers = this._answersOf(kernel);
    if (!(await answers)) {
      const isSame = this._answers.get(kernel) === answers;
      return isSame ? null : this._ofKernel(kernel, content); // it may have loaded Aura meanwhile
    }
    try {
      return await ask(kernel, content);
    } catch (error) {
      if (error instanceof NoAnswer) {
        this._answers.set(kernel, Promise.resolve(false));
      } else if (!(error instanceof Refused)) {
        throw error;
      }
      return null;
    }
  }

  /** Whether a kernel answers: asked once, however many cells have a question. */
  private _answersOf(kernel: Kernel.IKernelConnection): Promise<boolean> {
    const known = this._answers.get(kernel) ?? isThere(kernel);
    this._answers.set(kernel, known);
    return known;
  }

  private async _ofServer(route: 'validate' | 'complete' | 'inspect', body: JSONObject): Promise<unknown> {
    if (this._hasNoServer) {
      return null;
    }
    const url = URLExt.join(this._settings.baseUrl, 'aura', route);
    const headers = { 'Content-Type': 'application/json' };
    const init = { method: 'POST', headers, body: JSON.stringify(body) };
    try {
      const response = await ServerConnection.makeRequest(url, init, this._settings);
      this._hasNoServer = response.status === 404; // Aura is not installed beside Jupyter Server
      return response.ok ? await response.json() : null;
    } catch (error) {
      if (error instanceof ServerConnection.NetworkError) {
        return null;
      }
      throw error;
    }
  }

  private readonly _settings: ServerConnection.ISettings;
  private readonly _answers = new WeakMap<Kernel.IKernelConnection, Promise<boolean>>();
  private _hasNoServer = false;
}
