/** Run names differ at their end; the middle is what may be cut. */
const TAIL = 4;

/** Text that keeps its end when there is no room for all: a serial number like -318, else the last letters. */
export function MiddleEllipsis({ text }: { text: string }) {
  const serial = /^(.+?)([-_]\d{1,6})$/s.exec(text);
  if (serial) {
    return (
      <>
        <span className="ellipsis-head">{serial[1]}</span>
        <span className="ellipsis-tail serial">{serial[2]}</span>
      </>
    );
  }
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
