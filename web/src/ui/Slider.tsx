import { Slider as Primitive } from "radix-ui";

interface SliderProps {
  label: string;
  value: number;
  max: number;
  step: number;
  onChange(value: number): void;
}

export function Slider({ label, value, max, step, onChange }: SliderProps) {
  return (
    <Primitive.Root
      className="slider"
      value={[value]}
      max={max}
      step={step}
      onValueChange={([next]) => next !== undefined && onChange(next)}
    >
      <Primitive.Track className="slider-track">
        <Primitive.Range className="slider-range" />
      </Primitive.Track>
      <Primitive.Thumb className="slider-thumb" aria-label={label} />
    </Primitive.Root>
  );
}
