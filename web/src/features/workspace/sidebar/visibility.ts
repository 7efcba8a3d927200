import { isShown, onlyShown, setShown } from "@/state/selection";
import { changeView, getView } from "@/state/view";

/** Hides runs if any of them is shown, else shows them. */
export function toggleRuns(numbers: readonly number[]): void {
  const { selection } = getView();
  const any = numbers.some((number) => isShown(selection, number));
  changeView({ selection: setShown(selection, numbers, !any) });
}

export function showOnlyRuns(numbers: readonly number[]): void {
  changeView({ selection: onlyShown(getView().selection, numbers) });
}

export function togglePin(number: number): void {
  const { pinned } = getView();
  changeView({
    pinned: pinned.includes(number) ? pinned.filter((other) => other !== number) : [...pinned, number],
  });
}

/** Compares all others with a run; again, with none. */
export function toggleBaseline(number: number): void {
  changeView({ baseline: getView().baseline === number ? null : number });
}
