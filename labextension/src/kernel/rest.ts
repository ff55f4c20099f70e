import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

/** Gives what a task's card shows at this moment; null where nobody can tell. */
export type CardOf = (id: string) => Promise<unknown>;

/**
 * Asks our extension of Jupyter Server, which has a way to the kernel of its own; where there is none, or it refuses,
 * the answer is null.
 */
export function cardOver(settings: ServerConnection.ISettings): CardOf {
  return async (id) => {
    const url = URLExt.join(settings.baseUrl, 'aura', 'tasks', encodeURIComponent(id), 'card');
    try {
      const response = await ServerConnection.makeRequest(url, {}, settings);
      return response.ok ? ((await response.json()) as { picture: unknown }).picture : null;
    } catch (error) {
      if (error instanceof ServerConnection.NetworkError || error instanceof SyntaxError) {
        return null;
      }
      throw error;
    }
  };
}
