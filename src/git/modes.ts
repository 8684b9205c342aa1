/** Modes of entries that are no plain files, as git writes them in indexes, trees and listings: octal. */
export const LINK_MODE = '120000';
export const SUBMODULE_MODE = '160000';
