import { fetchSeries } from "./series";
import { SeriesLoader } from "./seriesLoader";

/** The one loader of the page: charts of all pages share its cache. */
export const seriesLoader = new SeriesLoader(fetchSeries);
