/** An element with a class, or several, and what is in it. */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className = '',
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const node = document.createElement(tag);
  node.className = className;
  node.append(...children);
  return node;
}

export function button(className: string, label: string, press: () => void): HTMLButtonElement {
  const node = el('button', className, label);
  node.type = 'button';
  node.onclick = press;
  return node;
}

const PATHS = {
  go: 'M9.5 3.5h3v3M12.5 3.5 7 9M11 9.5v3H3.5V5H6.5',
  cancel: 'M4.5 4.5l7 7M11.5 4.5l-7 7',
  up: 'M8 12.5v-9M4.5 7 8 3.5 11.5 7',
  down: 'M8 3.5v9M4.5 9 8 12.5 11.5 9',
  again: 'M5 3.5v9l7.5-4.5z',
};

/** A button that is a picture; `label` says what it does. */
export function pictureButton(picture: keyof typeof PATHS, label: string, press: () => void): HTMLButtonElement {
  const node = button('a-ib', '', press);
  node.dataset.does = picture;
  node.title = label;
  node.ariaLabel = label;
  const svg = node.appendChild(document.createElementNS('http://www.w3.org/2000/svg', 'svg'));
  svg.setAttribute('class', 'a-i');
  svg.setAttribute('viewBox', '0 0 16 16');
  svg.setAttribute('aria-hidden', 'true');
  svg.appendChild(document.createElementNS('http://www.w3.org/2000/svg', 'path')).setAttribute('d', PATHS[picture]);
  return node;
}

export function setText(node: Element, text: string): void {
  if (node.textContent !== text) {
    node.textContent = text;
  }
}

export function setHidden(node: HTMLElement, hidden: boolean): void {
  if (node.hidden !== hidden) {
    node.hidden = hidden;
  }
}

/** Bring the children of a node into an order; those that are in place are not touched, and the focus stays. */
export function arrange(node: Element, children: readonly HTMLElement[]): void {
  const focused = document.activeElement;
  children.forEach((child, place) => {
    if (node.children[place] !== child) {
      node.insertBefore(child, node.children[place] ?? null);
    }
  });
  while (node.children.length > children.length) {
    node.lastElementChild?.remove();
  }
  if (focused instanceof HTMLElement && focused !== document.activeElement && focused.isConnected) {
    focused.focus({ preventScroll: true });
  }
}
