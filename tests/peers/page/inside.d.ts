/** Of what the page has; the types of a browser are not among those of the tests. */
type Place = unknown;

export function tableIn(scope: Place): { caption: string; columns: string[]; rows: string[][] };
export function painted(canvas: Place): { part: number; colours: number };
export function tooWide(): { width: number; names: string[] };
export function markReached(): void;
export function unreached(): string[];
export function focused(): { name: string; id: string; nowhere: boolean; seen: boolean };
export function firstPaint(): number | null;
export function judge(): Promise<{ bad: string[]; mild: string[]; passed: number }>;
export function background(element: Place): string;
export function invalid(field: Place): string;
export function unlabel(label: Place): void;
export function plantWide(): void;
export function plantScript(): void;
export function plantRequest(): void;
