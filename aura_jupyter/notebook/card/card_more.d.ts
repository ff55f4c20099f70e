/** The types of card_more.js. */

export default function more(kit: object): object;
