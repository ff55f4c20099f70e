/** The types of card.js, for the JupyterLab extension, which draws with it. */

/** What view/picture.py makes; only what is named here is looked at outside the card. */
export interface Picture {
  readonly version: number;
  readonly task_id: string;
  readonly name: string | null;
  readonly title: string;
  readonly status: string;
  readonly final: boolean;
  readonly now: number;
  readonly started: number | null;
  readonly ended: number | null;
  readonly said: string;
  readonly lost?: boolean;
  readonly rows: readonly object[];
}

/** What a button, or a row that is opened, says to the kernel. */
export interface Message {
  readonly kind: string;
  readonly task_id?: string;
  readonly press?: number;
}

export interface More {
  readonly default: (kit: object) => object;
  readonly css?: string;
}

/** Where a card gets what it draws; see card.js. */
export interface Source {
  get(): Picture;
  on(listener: (message?: object) => void): () => void;
  send?(message: Message): void;
  more?(): Promise<More>;
  readonly opened: Record<string, object>;
  lost?: boolean;
  skew?: number;
}

/** The detail of the event `aura:ask`; `plain` sends the message through the widget. */
export interface Ask {
  readonly message: Message;
  plain(): void;
}

/** Draws into a node and keeps it up to date; returns a function that ends that. */
export function draw(node: HTMLElement, source: Source): () => void;

/** An icon of 16 pixels; `word` is what a screen reader says in its place. */
export function icon(kind: string, word?: string): SVGElement;

/** Whole seconds, as a running clock shows them. */
export function clock(ms: number): string;
