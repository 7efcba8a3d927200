import { type ComponentProps, useEffect, useRef } from "react";
import { useSize } from "./useSize";

interface CanvasProps extends Omit<ComponentProps<"div">, "onDraw"> {
  /** Draws in CSS pixels; called again when it changes or the size does. */
  draw(g: CanvasRenderingContext2D, size: { width: number; height: number }): void;
  onSize?(size: { width: number; height: number }): void;
}

/** A canvas that fills its place, sharp on every screen. */
export function Canvas({ draw, onSize, className = "", children, ...rest }: CanvasProps) {
  const [host, size] = useSize<HTMLDivElement>();
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    if (size.width > 0) onSize?.(size);
  }, [size, onSize]);
  useEffect(() => {
    const node = canvas.current;
    const g = node?.getContext("2d");
    if (!node || !g || size.width === 0 || size.height === 0) return;
    const ratio = window.devicePixelRatio || 1;
    node.width = Math.round(size.width * ratio);
    node.height = Math.round(size.height * ratio);
    g.setTransform(ratio, 0, 0, ratio, 0, 0);
    g.clearRect(0, 0, size.width, size.height);
    draw(g, size);
  }, [draw, size]);
  return (
    <div ref={host} className={`canvas-host ${className}`} {...rest}>
      <canvas ref={canvas} />
      {children}
    </div>
  );
}
