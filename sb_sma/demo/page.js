// The picture and the words of a speech follow its sound.
const follow = (audio) => {
  const speech = audio.closest(".speech");
  if (!speech) return;
  const now = audio.currentTime;
  const share = audio.duration ? now / audio.duration : 0;
  speech.querySelector(".cursor").style.left = `${100 * share}%`;
  for (const word of speech.querySelectorAll(".word")) {
    const { start, end } = word.dataset;
    if (start <= now && now < end) word.setAttribute("aria-current", "true");
    else word.removeAttribute("aria-current");
  }
};

const keepFollowing = (audio) => {
  follow(audio);
  if (audio.isConnected && !audio.paused)
    requestAnimationFrame(() => keepFollowing(audio));
};

const playFrom = (part, seconds) => {
  const audio = part.closest(".speech").querySelector("audio");
  audio.currentTime = seconds;
  // the next click may come before it plays
  audio.play().catch(() => {});
};

// events of sounds do not bubble
document.addEventListener("play", ({ target }) => {
  for (const other of document.querySelectorAll(".speech audio"))
    if (other !== target) other.pause();
  keepFollowing(target);
}, true);
document.addEventListener("seeked", ({ target }) => follow(target), true);

document.addEventListener("click", ({ target, clientX }) => {
  const word = target.closest(".word");
  if (word) playFrom(word, Number(word.dataset.start));
  const picture = target.closest(".alignment");
  if (picture) {
    const { left, width } = picture.getBoundingClientRect();
    const audio = picture.closest(".speech").querySelector("audio");
    playFrom(picture, (audio.duration * (clientX - left)) / width);
  }
});

const STEPS = { ArrowLeft: -1, ArrowRight: 1 };
document.addEventListener("keydown", (event) => {
  const word = event.target.closest?.(".word");
  if (!word || !(event.key in STEPS)) return;
  const words = [...word.parentElement.children];
  const next = words[words.indexOf(word) + STEPS[event.key]];
  if (!next) return;
  event.preventDefault();
  word.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
});
