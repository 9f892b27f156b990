/** Control characters but the ends of lines and tabs: whatever a terminal takes for a command begins with one. */
const COMMANDS = /[^\P{Cc}\n\t]/gu;

/**
 * Text that a model or another stranger wrote, for a terminal: it must not move the cursor, hide what was printed or
 * fill the clipboard. It may be a piece of any length; of a sequence, the letters stay, without effect.
 */
export function printable(text: string): string {
  return text.replace(COMMANDS, '');
}
