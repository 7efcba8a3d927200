/** What one panel of media shows, where no key stands for it. */
export interface MediaSettings {
  key: string;
  /** Plots of several runs stand in one frame. */
  together: boolean;
}
