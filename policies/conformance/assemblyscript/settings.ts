class Settings {
  backend: string = "";
  limit: i64 = 0;
  mark: string = "";
}

/** The config, as `init` read it. */
export const settings = new Settings();
