/** Maps values to pixels and back along one axis. */
export interface Scale {
  readonly log: boolean;
  readonly domain: readonly [number, number];
  toPixel(value: number): number;
  toValue(pixel: number): number;
}

/**
 * A linear or logarithmic scale from *domain* to pixels *from*…*to* (*from* > *to* flips the axis).
 *
 * A log scale has no place for values ≤ 0: they map to NaN, and drawing treats NaN as a gap.
 */
export function createScale(
  domain: readonly [number, number],
  from: number,
  to: number,
  log: boolean,
): Scale {
  const [low, high] = log ? [Math.log10(domain[0]), Math.log10(domain[1])] : domain;
  const factor = (to - from) / (high - low || 1);
  return log
    ? {
        log,
        domain,
        toPixel: (value) => (value > 0 ? from + (Math.log10(value) - low) * factor : Number.NaN),
        toValue: (pixel) => 10 ** (low + (pixel - from) / factor),
      }
    : {
        log,
        domain,
        toPixel: (value) => from + (value - low) * factor,
        toValue: (pixel) => low + (pixel - from) / factor,
      };
}

/** The domain after moving both ends: zoom by *factor* around *anchor* (a value), in the scale's own space. */
export function zoomDomain(scale: Scale, anchor: number, factor: number): [number, number] {
  const [low, high] = scale.domain;
  if (!scale.log) return [anchor + (low - anchor) * factor, anchor + (high - anchor) * factor];
  const middle = Math.log10(anchor);
  return [
    10 ** (middle + (Math.log10(low) - middle) * factor),
    10 ** (middle + (Math.log10(high) - middle) * factor),
  ];
}

/** The domain after dragging it by *pixels*. */
export function panDomain(scale: Scale, pixels: number): [number, number] {
  const [low, high] = scale.domain;
  return [scale.toValue(scale.toPixel(low) - pixels), scale.toValue(scale.toPixel(high) - pixels)];
}
