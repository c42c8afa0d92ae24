// Narrows the findings to those that hold all words and the severity looked for.
for (const form of document.querySelectorAll(".vmmaudit .search")) {
  const section = form.parentElement;
  const findings = [...section.querySelectorAll(".finding")];
  const [words, severity] = form.querySelectorAll("input, select");
  const none = form.querySelector("output");
  const narrow = () => {
    const wanted = words.value.toLocaleLowerCase().split(/\s+/).filter(Boolean);
    let left = 0;
    for (const finding of findings) {
      const text = finding.textContent.toLocaleLowerCase();
      const fits = wanted.every((word) => text.includes(word)) &&
        (!severity.value || finding.dataset.severity === severity.value);
      finding.hidden = !fits;
      left += fits;
    }
    none.hidden = left > 0;
  };
  form.hidden = false;
  form.addEventListener("input", narrow);
  form.addEventListener("submit", (event) => event.preventDefault());
  addEventListener("beforeprint", () => findings.forEach((finding) => { finding.hidden = false; }));
  addEventListener("afterprint", narrow);
}
