/** Where one is on the long page, and the way to the rest of it. */
import { useEffect, useState } from "react";

/** Distance from the top of the window, in px. */
const LINE_PX = 160;

export function SectionIndex({ sections }: { sections: readonly { id: string; title: string }[] }) {
  const [current, setCurrent] = useState(sections[0]?.id ?? "");
  const ids = sections.map(({ id }) => id).join(" ");
  useEffect(() => {
    const all = ids.split(" ");
    // The last section that begins above a line a little below the index is the current one.
    const look = () => {
      const above = all.filter((id) => {
        const top = document.getElementById(id)?.getBoundingClientRect().top;
        return top !== undefined && top < LINE_PX;
      });
      const end = window.innerHeight + window.scrollY >= document.documentElement.scrollHeight - 4;
      setCurrent((end && window.scrollY > 0 ? all.at(-1) : (above.at(-1) ?? all[0])) ?? "");
    };
    look();
    window.addEventListener("scroll", look, { passive: true });
    return () => window.removeEventListener("scroll", look);
  }, [ids]);
  return (
    <nav className="section-index" aria-label="Sections of this page">
      <ul>
        {sections.map(({ id, title }) => (
          <li key={id}>
            <a href={`#${id}`} aria-current={id === current ? "true" : undefined}>
              {title}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}
