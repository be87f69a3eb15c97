// The emoji short names that show as pictures here; any other name stays as it was written.

const EMOJI = {
  "+1": "👍",
  thumbsup: "👍",
  "-1": "👎",
  thumbsdown: "👎",
  wave: "👋",
  tada: "🎉",
  rocket: "🚀",
  eyes: "👀",
  white_check_mark: "✅",
  heavy_check_mark: "✔️",
  x: "❌",
  warning: "⚠️",
  no_entry: "⛔",
  octagonal_sign: "🛑",
  hourglass: "⌛",
  hourglass_flowing_sand: "⏳",
  bulb: "💡",
  moneybag: "💰",
  money_with_wings: "💸",
  coin: "🪙",
  chart_with_upwards_trend: "📈",
  chart_with_downwards_trend: "📉",
  bar_chart: "📊",
  brain: "🧠",
  zap: "⚡",
  sparkles: "✨",
  star: "⭐",
  fire: "🔥",
  heart: "❤️",
  smile: "😄",
  slightly_smiling_face: "🙂",
  thinking_face: "🤔",
  robot_face: "🤖",
  speech_balloon: "💬",
  memo: "📝",
  pencil2: "✏️",
  mag: "🔍",
  lock: "🔒",
  key: "🔑",
  bell: "🔔",
  arrow_up: "⬆️",
  arrow_down: "⬇️",
  arrows_counterclockwise: "🔄",
  information_source: "ℹ️",
  question: "❓",
  calendar: "📅",
  clock3: "🕒",
  hammer_and_wrench: "🛠️",
  gear: "⚙️",
  pray: "🙏",
  clap: "👏",
  ok_hand: "👌",
};

const known = new Map(Object.entries(EMOJI));

/** Return the picture for a short name, or undefined. */
export const emojiFor = (name) => known.get(name);

/** Return the text with the known `:names:` replaced. */
export const withEmoji = (text) =>
  text.replace(/:([a-z0-9_+-]+):/g, (whole, name) => known.get(name) ?? whole);
