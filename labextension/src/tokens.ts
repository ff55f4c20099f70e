import { Token } from '@lumino/coreutils';

import type { Keepers } from './cards/keepers';

/** The keepers of the open notebooks' cards; each has the hub that speaks to its kernel. */
export type IKeepers = Keepers;

export const IKeepers = new Token<IKeepers>(
  'aura-jupyter:IKeepers',
  "The keepers of the open notebooks' cards, and the hubs that speak to their kernels.",
);
