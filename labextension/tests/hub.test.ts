import type { ISessionContext } from '@jupyterlab/apputils';
import { Signal } from '@lumino/signaling';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { Hub } from '../src/kernel/hub';
import { PROTOCOL } from '../src/kernel/protocol';

vi.mock('@jupyterlab/services', () => ({ KernelMessage: {} }));

/** A comm as JupyterLab's, that remembers what is sent. */
class Comm {
  sent: unknown[] = [];
  closed = false;
  isDisposed = false;
  onMsg: (message: unknown) => void = () => undefined;
  onClose: () => void = () => undefined;
  open(data: unknown): void {
    this.sent.push(data);
  }
  send(data: unknown): void {
    this.sent.push(data);
  }
  close(): void {
    this.closed = true;
  }
  says(data: object): void {
    this.onMsg({ content: { data: { protocol: PROTOCOL, ...data } } });
  }
}

class Kernel {
  handleComms = true;
  isDisposed = false;
  status = 'idle';
  comms: Comm[] = [];
  hello: (comm: Comm, message: unknown) => void = () => undefined;
  createComm(): Comm {
    const comm = new Comm();
    this.comms.push(comm);
    return comm;
  }
  registerCommTarget(_: string, callback: Kernel['hello']): void {
    this.hello = callback;
  }
  removeCommTarget(): void {
    this.hello = () => undefined;
  }
}

class Session {
  session: { kernel: Kernel | null } = { kernel: new Kernel() };
  ready = Promise.resolve();
  kernelChanged = new Signal<this, unknown>(this);
  statusChanged = new Signal<this, string>(this);
  connectionStatusChanged = new Signal<this, string>(this);
}

let session: Session;
let hub: Hub;
let lost: string[];
const kernel = (): Kernel => session.session.kernel ?? new Kernel();
const lastComm = (): Comm => kernel().comms.at(-1) ?? new Comm();

beforeEach(async () => {
  vi.useFakeTimers();
  session = new Session();
  hub = new Hub(session as unknown as ISessionContext);
  lost = [];
  hub.lost.connect((_, loss) => {
    lost.push(loss);
  });
  await session.ready;
});

afterEach(() => {
  vi.useRealTimers();
});

describe('a hub', () => {
  it('opens no comm where nobody waits for something', () => {
    session.statusChanged.emit('idle');
    vi.runAllTimers();
    expect(kernel().comms).toEqual([]);
  });

  it('gathers what is asked', () => {
    hub.watch(['a']);
    hub.watch(['b']);
    vi.runAllTimers();
    expect(kernel().comms).toHaveLength(1);
    expect(lastComm().sent).toEqual([{ protocol: PROTOCOL, watch: ['a', 'b'], panel: false }]);
  });

  it('passes on what the kernel says', () => {
    const said: unknown[] = [];
    hub.said.connect((_, message) => said.push(message));
    hub.watch(['a']);
    vi.runAllTimers();
    lastComm().says({ gone: ['a'] });
    expect(said).toEqual([{ protocol: PROTOCOL, gone: ['a'] }]);
  });

  it('passes on that a kernel has loaded Aura, whether or not anybody has asked', () => {
    const said: unknown[] = [];
    hub.said.connect((_, message) => said.push(message));
    kernel().hello(new Comm(), { content: { data: { protocol: PROTOCOL } } });
    kernel().hello(new Comm(), { content: { data: { protocol: PROTOCOL + 1 } } });
    expect(said).toEqual([{ protocol: PROTOCOL }]);
  });

  it('says more on a comm only when the kernel has taken that in', () => {
    hub.watch(['a']);
    vi.runAllTimers();
    hub.watch(['b']);
    vi.runAllTimers();
    expect(lastComm().sent).toHaveLength(1);
    lastComm().says({ gone: ['a'] });
    vi.runAllTimers();
    expect(lastComm().sent.slice(1)).toEqual([{ protocol: PROTOCOL, watch: ['b'], panel: false }]);
  });

  it('asks a kernel without Aura once, and again when that has loaded it', () => {
    hub.watch(['a']);
    vi.runAllTimers();
    lastComm().onClose();
    expect(lost).toEqual(['not loaded']);
    hub.watch(['a']);
    vi.runAllTimers();
    expect(kernel().comms).toHaveLength(1);
    const hello = new Comm();
    kernel().hello(hello, { content: { data: { protocol: PROTOCOL } } });
    vi.runAllTimers();
    expect(hello.closed).toBe(true);
    expect(kernel().comms).toHaveLength(2);
  });

  it('loses nothing where a kernel that has answered gives Aura up', () => {
    hub.watch(['a']);
    vi.runAllTimers();
    lastComm().says({ live: [] });
    lastComm().onClose();
    expect(lost).toEqual([]);
  });

  it.each(['restarting', 'autorestarting', 'terminating', 'dead'])(
    'loses the tasks of a kernel that is %s',
    (status) => {
      session.statusChanged.emit(status);
      expect(lost).toEqual(['stopped']);
    },
  );

  it('loses them with another kernel, and not with the same one', () => {
    session.kernelChanged.emit(undefined);
    expect(lost).toEqual([]);
    session.session.kernel = new Kernel();
    session.kernelChanged.emit(undefined);
    expect(lost).toEqual(['stopped']);
  });

  it('speaks to no kernel of another protocol, and says so once', () => {
    const told: number[] = [];
    hub.mismatched.connect((_, protocol) => told.push(protocol));
    hub.watch(['a']);
    vi.runAllTimers();
    lastComm().says({ protocol: PROTOCOL + 1 });
    hub.watch(['b']);
    vi.runAllTimers();
    expect(told).toEqual([PROTOCOL + 1]);
    expect(kernel().comms).toHaveLength(1);
    expect(lost).toEqual([]);
  });

  it('asks anew when the connection was lost and is back', () => {
    let woken = 0;
    hub.woke.connect(() => {
      woken++;
    });
    hub.watch(['a']);
    vi.runAllTimers();
    session.connectionStatusChanged.emit('connecting');
    session.connectionStatusChanged.emit('connected');
    expect(woken).toBe(1);
    hub.watch(['a']);
    vi.runAllTimers();
    expect(kernel().comms).toHaveLength(2);
  });
});
