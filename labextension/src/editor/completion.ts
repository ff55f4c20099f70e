import type {
  CompletionHandler,
  Completer,
  ICompletionContext,
  ICompletionProvider,
  ICompletionProviderManager,
} from '@jupyterlab/completer';

import type { Assistant, Kernels, Offer } from './assistant';
import { headOf, linesOf } from './head';
import { MIME } from './language';
import { length } from './positions';

export const PROVIDER = 'CompletionProvider:aura';

/** Above the providers of JupyterLab, which are around 500. */
const RANK = 1100;

/** What fits at the cursor in a spec, as the kernel offers it; also while a cell holds the kernel. */
export class SpecCompletions implements ICompletionProvider {
  constructor(assistant: Assistant) {
    this._assistant = assistant;
  }

  readonly identifier = PROVIDER;
  readonly rank = RANK;
  readonly renderer = null;

  isApplicable(context: ICompletionContext): Promise<boolean> {
    return Promise.resolve(isInSpec(context));
  }

  async fetch(
    request: CompletionHandler.IRequest,
    context: ICompletionContext,
  ): Promise<CompletionHandler.ICompletionItemsReply> {
    const head = length(request.text.slice(0, specOf(request.text)));
    const at = request.offset - head;
    const spec = request.text.slice(specOf(request.text));
    const offers = await this._assistant.complete(kernelOf(context), spec, at);
    const start = offers === null ? request.offset : offers.start + head;
    return { start, end: request.offset, items: offers === null ? [] : offers.items.map(itemOf) };
  }

  async resolve(
    item: CompletionHandler.ICompletionItem,
    context: ICompletionContext,
    patch?: Completer.IPatch | null,
  ): Promise<CompletionHandler.ICompletionItem> {
    if (item.documentation !== undefined || !context.editor || !patch) {
      return item;
    }
    const source = context.editor.model.sharedModel.getSource();
    const word = patch.value.trimEnd().replace(/:$/, '');
    const text = source.slice(0, patch.start) + patch.value + source.slice(patch.end);
    const from = specOf(text);
    const at = length(text.slice(from, patch.start + word.length));
    const documentation = await this._assistant.inspect(kernelOf(context), text.slice(from), at);
    return documentation === null ? item : { ...item, documentation };
  }

  private readonly _assistant: Assistant;
}

function itemOf(offer: Offer): CompletionHandler.ICompletionItem {
  const documentation = offer.signature || offer.doc ? `${offer.text}${offer.signature}\n\n${offer.doc}`.trim() : null;
  return {
    label: offer.text.trim(),
    insertText: offer.text,
    type: offer.kind,
    ...(documentation !== null && { documentation }),
  };
}

/** Whether the cursor is in a spec, not in the lines above it, whose options the kernel completes. */
function isInSpec({ editor }: ICompletionContext): boolean {
  if (editor?.model.mimeType !== MIME) {
    return false;
  }
  return editor.getOffsetAt(editor.getCursorPosition()) >= specOf(editor.model.sharedModel.getSource());
}

/** Where the spec begins; behind the text where the cell ends with the line of the magic. */
function specOf(text: string): number {
  return headOf(linesOf(text))?.end ?? 0;
}

function kernelOf(context: ICompletionContext): Kernels {
  return () => {
    const kernel = context.session?.kernel ?? null;
    return kernel?.connectionStatus === 'connected' ? kernel : null;
  };
}

/**
 * Offer each thing once: in a spec the other providers, whose names are those of Python and of the text so far, are not
 * asked. JupyterLab's manager asks every provider and has no other way to say so.
 */
export function leaveSpecsToUs(manager: ICompletionProviderManager): void {
  const known = new WeakSet<ICompletionProvider>();
  const look = () => {
    const { getProviders } = manager as { getProviders?: () => ReadonlyMap<string, ICompletionProvider> };
    for (const provider of getProviders?.call(manager).values() ?? []) {
      if (provider.identifier !== PROVIDER && !known.has(provider)) {
        known.add(provider);
        const isApplicable = provider.isApplicable.bind(provider);
        provider.isApplicable = (context) => (isInSpec(context) ? Promise.resolve(false) : isApplicable(context));
      }
    }
  };
  manager.activeProvidersChanged.connect(look);
  look();
}
