/** What happens to operator and gateway while a week is played. */
export interface Disturbance {
  before(moment: string): Promise<void>;
  after(moment: string): Promise<void>;
  pause(): void;
  goOn(): void;
}

/** Nothing. */
export const UNDISTURBED: Disturbance = {
  before: () => Promise.resolve(),
  after: () => Promise.resolve(),
  pause() {},
  goOn() {},
};
