/** Run names differ at their end; the middle is what may be cut. */
const TAIL = 4;

/** Text that keeps its last letters when there is no room for all. */
export function MiddleEllipsis({ text }: { text: string }) {
  // Splitting by code points keeps an emoji whole.
  const letters = [...text];
  if (letters.length <= TAIL * 2) return <span className="ellipsis-head">{text}</span>;
  return (
    <>
      <span className="ellipsis-head">{letters.slice(0, -TAIL).join("")}</span>
      <span className="ellipsis-tail">{letters.slice(-TAIL).join("")}</span>
    </>
  );
}
