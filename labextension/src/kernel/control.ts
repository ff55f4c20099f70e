import { KernelMessage } from '@jupyterlab/services';
import type { Kernel } from '@jupyterlab/services';
import type { JSONObject } from '@lumino/coreutils';

import type { ProblemInfo, Reply } from './protocol';

/** How long a kernel may take; it answers within milliseconds, also while a cell holds it. */
export const PATIENCE = 3000; // ms

/** The kernel did not answer: it has not loaded Aura, is starting, or hangs. */
export class NoAnswer extends Error {
  constructor() {
    super('The kernel does not answer.');
  }
}

/** The kernel answered that it cannot do what was asked. */
export class Refused extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly problems: readonly ProblemInfo[] = [],
  ) {
    super(message);
  }
}

/**
 * Ask a kernel on its control channel, which is free while a cell runs; gives its answer.
 *
 * @param content - one of the requests of aura_jupyter/messages.py.
 * @throws NoAnswer, or Refused.
 */
export async function ask(kernel: Kernel.IKernelConnection, content: JSONObject): Promise<unknown> {
  const message = KernelMessage.createMessage({
    msgType: 'aura_request',
    channel: 'control',
    username: kernel.username,
    session: kernel.clientId,
    content,
    // JupyterLab has types for its own messages only
  } as unknown as KernelMessage.IOptions<KernelMessage.IDebugRequestMsg>);
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    const future = kernel.sendControlMessage(message, true, true);
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new NoAnswer());
        future.dispose();
      }, PATIENCE);
    });
    const answer = await Promise.race([future.done, late]);
    return opened(answer.content as unknown as Reply);
  } catch (error) {
    // a kernel that stops meanwhile cancels the question
    throw error instanceof Refused ? error : new NoAnswer();
  } finally {
    clearTimeout(timer);
  }
}

function opened(reply: Reply): unknown {
  if (reply.status === 'error') {
    const { code, message, problems } = reply.failure;
    throw new Refused(code, message, problems);
  }
  return reply.answer;
}
