/** An absolute range, typed. */
import { type FormEvent, useId, useState } from "react";
import { whyNot } from "../format/range";
import { localInput } from "../format/time";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";

interface Range {
  from: number;
  to: number;
}

function Form({ from, to, done }: Range & { done: (range: Range) => void }) {
  const [begin, setBegin] = useState(localInput(from));
  const [end, setEnd] = useState(localInput(to));
  const [left, setLeft] = useState(false);
  const id = useId();
  const wanted = { from: Date.parse(begin), to: Date.parse(end) };
  const wrong = whyNot(wanted.from, wanted.to);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setLeft(true);
    if (wrong === null) done(wanted);
  };
  const field = (words: string, value: string, change: (value: string) => void, first = false) => (
    <label className="field">
      <span>{words}</span>
      <input
        // The dialog looks for the attribute when it opens; React sets none.
        ref={(element) => void (first && element?.setAttribute("autofocus", ""))}
        type="datetime-local"
        value={value}
        max="9999-12-31T23:59"
        required
        aria-describedby={`${id}-wrong`}
        aria-invalid={left && wrong !== null}
        onChange={(event) => change(event.target.value)}
        onBlur={() => setLeft(true)}
      />
    </label>
  );
  return (
    <form onSubmit={submit} noValidate>
      <div className="fields">
        {field("From", begin, setBegin, true)}
        {field("To", end, setEnd)}
      </div>
      <p id={`${id}-wrong`} className="field-error" role="status">
        {left ? wrong : null}
      </p>
      <Button type="submit" className="primary">
        Show
      </Button>
    </form>
  );
}

export function RangeDialog({
  open,
  onClose,
  from,
  to,
  show,
}: Range & { open: boolean; onClose: () => void; show: (from: number, to: number) => void }) {
  return (
    <Dialog open={open} onClose={onClose} title="From … to …">
      <Form
        from={from}
        to={to}
        done={(range) => {
          onClose();
          show(range.from, range.to);
        }}
      />
    </Dialog>
  );
}
