import type { ISessionContext } from '@jupyterlab/apputils';
import type { Kernel, KernelMessage } from '@jupyterlab/services';
import type { JSONObject } from '@lumino/coreutils';
import type { IDisposable } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import { ask, NoAnswer } from './control';
import { PROTOCOL, TARGET } from './protocol';
import type { FromKernel } from './protocol';

/** Questions within this time are one message. */
const GATHER = 20; // ms

/** Why the tasks of a kernel are known to run no longer. */
export type Loss = 'stopped' | 'not loaded';

/**
 * What a document and the kernel it has at the moment say to each other: a comm, opened only where somebody waits for
 * something, and questions over the control channel.
 */
export class Hub implements IDisposable {
  constructor(private readonly _session: ISessionContext) {
    _session.kernelChanged.connect(this._attach, this);
    _session.statusChanged.connect(this._onStatus, this);
    _session.connectionStatusChanged.connect(this._onConnection, this);
    void _session.ready.then(() => {
      this._attach();
    });
  }

  /** What the kernel says. */
  get said(): ISignal<this, FromKernel> {
    return this._said;
  }

  /** The tasks of the kernel run no longer. */
  get lost(): ISignal<this, Loss> {
    return this._lost;
  }

  /** A cell has ended, the kernel has loaded Aura, or the connection is back: there may be something to ask for. */
  get woke(): ISignal<this, void> {
    return this._woke;
  }

  /** The kernel speaks another protocol than this page; emitted once for each kernel. */
  get mismatched(): ISignal<this, number> {
    return this._mismatched;
  }

  get kernel(): Kernel.IKernelConnection | null {
    return this._kernel;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    this._detach();
    Signal.clearData(this);
  }

  /** Ask what has become of tasks; `said` brings the answers, and later their ends. */
  watch(ids: Iterable<string>): void {
    for (const id of ids) {
      this._wanted.add(id);
    }
    if (this._wanted.size) {
      this._sendSoon();
    }
  }

  /** Whether the events of all tasks are to be sent. */
  set panel(wanted: boolean) {
    if (wanted !== this._panel) {
      this._panel = wanted;
      this._refused &&= !wanted;
      this._sendSoon();
    }
  }

  /**
   * Ask the kernel something, also while a cell runs.
   *
   * @throws NoAnswer, or Refused.
   */
  async ask(content: JSONObject): Promise<unknown> {
    if (!this._kernel) {
      throw new NoAnswer();
    }
    return ask(this._kernel, content);
  }

  private _attach(): void {
    const kernel = this._session.session?.kernel ?? null;
    if (this._isDisposed || kernel === this._kernel) {
      return;
    }
    const before = this._kernel;
    this._detach();
    this._kernel = kernel;
    if (before) {
      this._lost.emit('stopped');
    }
    kernel?.registerCommTarget(TARGET, this._onHello);
    if (kernel) {
      this._woke.emit();
      this._sendForPanel();
    }
  }

  private _detach(): void {
    this._closeComm();
    this._refused = false;
    if (this._kernel && !this._kernel.isDisposed) {
      this._kernel.removeCommTarget(TARGET, this._onHello);
    }
    this._kernel = null;
  }

  /** The kernel has loaded Aura. Its comm is done with: those that stay are opened here. */
  private readonly _onHello = (comm: Kernel.IComm, message: KernelMessage.ICommOpenMsg): void => {
    const said = message.content.data as unknown as FromKernel;
    comm.close();
    this._refused = false;
    if (this._speaks(said.protocol)) {
      this._said.emit(said);
      this._woke.emit();
      this._sendSoon();
    }
  };

  private _speaks(protocol: number | undefined): boolean {
    if (protocol === PROTOCOL) {
      return true;
    }
    if (!this._refused) {
      this._mismatched.emit(protocol ?? 0);
    }
    this._refused = true;
    this._closeComm();
    return false;
  }

  private _onStatus(_: unknown, status: Kernel.Status): void {
    if (['restarting', 'autorestarting', 'terminating', 'dead'].includes(status)) {
      // a kernel that restarts closes no comm, and keeps its connection
      this._forgetComm();
      this._refused = false;
      this._lost.emit('stopped');
    } else if (status === 'idle') {
      this._woke.emit();
      this._sendForPanel();
    }
  }

  /** What was said while there was no connection has not come. */
  private _onConnection(_: unknown, status: Kernel.ConnectionStatus): void {
    if (status !== 'connected') {
      this._missed ||= this._comm !== null;
    } else if (this._missed) {
      this._missed = false;
      this._closeComm();
      this._woke.emit();
      this._sendSoon();
    }
  }

  /** A panel waits for a comm that there is not, since the kernel is another or was started anew. */
  private _sendForPanel(): void {
    if (this._panel && !this._comm) {
      this._sendSoon();
    }
  }

  private _sendSoon(): void {
    this._timer ??= setTimeout(() => {
      this._timer = undefined;
      this._send();
    }, GATHER);
  }

  private _send(): void {
    if (this._isDisposed || this._refused || !this._kernel?.handleComms) {
      return;
    }
    if (!this._comm && !this._panel && !this._wanted.size) {
      return;
    }
    if (this._comm && !this._answered) {
      // a kernel that a cell holds has not taken the comm in yet, and would call it unknown in that cell's output
      this._held = true;
      return;
    }
    const message = { protocol: PROTOCOL, watch: [...this._wanted], panel: this._panel };
    this._wanted.clear();
    if (this._comm) {
      this._comm.send(message);
      return;
    }
    const comm = (this._comm = this._kernel.createComm(TARGET));
    this._answered = this._held = false;
    comm.onMsg = (said) => {
      this._onMessage(said.content.data as unknown as FromKernel);
    };
    comm.onClose = () => {
      if (comm === this._comm) {
        this._onRefused();
      }
    };
    comm.open(message);
  }

  private _onMessage(said: FromKernel): void {
    this._answered = true;
    if (!this._speaks(said.protocol)) {
      return;
    }
    if (this._held) {
      this._held = false;
      this._sendSoon();
    }
    this._said.emit(said);
  }

  /** The kernel knows no such target: it has not loaded Aura, or has given it up. Ask no more until it says hello. */
  private _onRefused(): void {
    this._comm = null;
    this._refused = true;
    if (!this._answered) {
      this._lost.emit('not loaded');
    }
  }

  private _closeComm(): void {
    const comm = this._comm;
    this._forgetComm();
    if (comm && this._kernel && !this._kernel.isDisposed && !comm.isDisposed) {
      comm.close();
    }
  }

  private _forgetComm(): void {
    this._comm = null;
    this._wanted.clear();
  }

  private _kernel: Kernel.IKernelConnection | null = null;
  private _comm: Kernel.IComm | null = null;
  private _answered = false;
  private _held = false;
  private _refused = false;
  private _missed = false;
  private _panel = false;
  private _isDisposed = false;
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private readonly _wanted = new Set<string>();
  private readonly _said = new Signal<this, FromKernel>(this);
  private readonly _lost = new Signal<this, Loss>(this);
  private readonly _woke = new Signal<this, void>(this);
  private readonly _mismatched = new Signal<this, number>(this);
}
