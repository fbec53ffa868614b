const MOST = 200;
const people = JSON.parse(document.getElementById("people-data").textContent);
const texts = people.map(row => row.join(" ").toLowerCase());
const find = document.getElementById("find"), body = document.getElementById("people");

function cell(tag, text, parent) {
  const made = parent.appendChild(document.createElement(tag));
  made.textContent = text ?? "";
  return made;
}

function row(person) {
  const made = document.createElement("tr");
  person.slice(0, -1).forEach((text, place) => {
    if (place !== 2) return cell("td", text, made);
    const name = cell("td", "", made);
    cell("bdi", text, name);
    cell("small", person.at(-1), name);
  });
  return made;
}

function show() {
  const words = find.value.toLowerCase().split(/\s+/);
  const found = people.filter((_, place) => words.every(word => texts[place].includes(word)));
  body.replaceChildren(...found.slice(0, MOST).map(row));
  const rest = found.length > MOST ? `; the first ${MOST} are shown` : "";
  document.getElementById("found").textContent = `${found.length} of ${people.length}${rest}`;
}

find.addEventListener("input", show);
show();
