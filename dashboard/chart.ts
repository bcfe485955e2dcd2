import {
  BarController,
  BarElement,
  CategoryScale,
  Chart,
  Filler,
  Legend,
  LinearScale,
  LineController,
  LineElement,
  PointElement,
  Tooltip,
} from 'chart.js';

Chart.register(
  BarController,
  BarElement,
  CategoryScale,
  Filler,
  Legend,
  LinearScale,
  LineController,
  LineElement,
  PointElement,
  Tooltip,
);

/** A line of numbers by label, null where there is none; `says` is a number as people read it. */
export interface Series {
  readonly label: string;
  readonly values: readonly (number | null)[];
  readonly says: (index: number) => string;
}

export interface Drawing {
  readonly kind: 'line' | 'bar' | 'bars'; // upright, or lying: for names
  readonly labels: readonly string[];
  readonly series: readonly Series[];
  /** Without axes and tooltip: beside a number that says the rest. */
  readonly small?: boolean;
}

const short = new Intl.NumberFormat(undefined, { notation: 'compact', maximumFractionDigits: 1 });

/** A colour of page.css as the browser has worked it out for the mode that is on. */
function colour(name: string): string {
  const probe = document.createElement('span');
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

/** So many labels stand below a chart whole, slanted where it is narrow. */
const MOST_LABELS = 7;
/** Names beside bars have half of the chart at most. */
const clipped = (label: string, width: number) => {
  const longest = width < 380 ? 16 : 22;
  return label.length > longest ? `${label.slice(0, longest - 1)}…` : label;
};

/** What is drawn on the canvases of the page. */
const drawn = new Map<HTMLCanvasElement, { readonly chart: Chart; readonly drawing: Drawing }>();

/** Draws on a canvas, in the place of what was drawn there. */
export function draw(canvas: HTMLCanvasElement, drawing: Drawing): void {
  drawn.get(canvas)?.chart.destroy();
  drawn.set(canvas, { chart: chartOf(canvas, drawing), drawing });
  for (const [other, { chart }] of drawn) {
    if (other.isConnected) continue;
    chart.destroy(); // of a view that is gone
    drawn.delete(other);
  }
}

/** Draws everything again: the colours are others. */
export function redraw(): void {
  for (const [canvas, { drawing }] of [...drawn]) draw(canvas, drawing);
}

function chartOf(canvas: HTMLCanvasElement, { kind, labels, series, small = false }: Drawing): Chart {
  const [text, line, surface] = [colour('soft'), colour('line'), colour('surface')];
  const lying = kind === 'bars';
  const few = labels.length <= MOST_LABELS;
  const numbers = {
    beginAtZero: true,
    display: !small,
    grid: { color: line },
    border: { display: false },
    ticks: { color: text, maxTicksLimit: 6, callback: (value: string | number) => short.format(Number(value)) },
  };
  const names = {
    display: !small,
    grid: { display: false },
    border: { color: line },
    ticks: {
      color: text,
      maxRotation: few ? 60 : 0,
      autoSkip: !lying && !few,
      autoSkipPadding: 12,
      callback: (_: string | number, index: number) => clipped(labels[index] ?? '', canvas.clientWidth),
    },
  };
  return new Chart(canvas, {
    type: kind === 'line' ? 'line' : 'bar',
    data: {
      labels: [...labels],
      datasets: series.map(({ label, values }, index) => {
        const ink = colour(`series-${index + 1}`);
        return {
          label,
          data: [...values],
          borderColor: ink,
          backgroundColor: ink,
          ...(kind === 'line'
            ? { borderWidth: 2, pointRadius: values.length > 60 ? 0 : 2, pointHitRadius: 8, tension: 0, spanGaps: true }
            : { maxBarThickness: 34, borderRadius: 3 }),
        };
      }),
    },
    options: {
      responsive: true,
      maintainAspectRatio: false,
      animation: false, // a dozen charts that grow at once would keep a small machine busy
      indexAxis: lying ? 'y' : 'x',
      interaction: { mode: 'index', intersect: false, axis: lying ? 'y' : 'x' },
      scales: lying ? { x: numbers, y: names } : { x: names, y: numbers },
      plugins: {
        legend: { display: series.length > 1, labels: { color: text, boxWidth: 14 } },
        tooltip: {
          enabled: !small,
          backgroundColor: surface,
          titleColor: text,
          bodyColor: colour('text'),
          borderColor: line,
          borderWidth: 1,
          callbacks: {
            title: ([first]) => (first ? (labels[first.dataIndex] ?? '') : ''),
            label: ({ datasetIndex, dataIndex }) => {
              const one = series[datasetIndex];
              return one ? `${one.label}: ${one.says(dataIndex)}` : '';
            },
          },
        },
      },
    },
  });
}
