/** What is imported as `….raw.css` is the text of a style sheet. */
declare module 'card_more.raw.css!=!*' {
  const text: string;
  export default text;
}
