// Read by jupyter-builder beside its own settings.
module.exports = {
  module: {
    // the widget's half of card.js imports what the kernel sends; here that half is not used, and shaken off
    parser: { javascript: { exprContextCritical: false } },
  },
};
