/** The exact sum of quantity times price, as a plain decimal without trailing zeros. Prices have at most `scale` decimals. */
export function exactTotal(
  lines: Iterable<{ readonly quantity: number; readonly price: string }>,
  scale: number,
): string {
  let total = 0n;
  for (const { quantity, price } of lines) total += BigInt(quantity) * unscaled(price, scale);
  return plainDecimal(total, scale);
}

/** A decimal as a whole number of its smallest units: `2.55` at scale 4 is 25500. It has at most `scale` decimals. */
export function unscaled(decimal: string, scale: number): bigint {
  const [whole, fraction = ''] = decimal.split('.') as [string, string?];
  return BigInt(whole + fraction.padEnd(scale, '0'));
}

/** A decimal by its digits without the point: 25500 at scale 4 is `2.55`. */
export function plainDecimal(unscaled: bigint, scale: number): string {
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0');
  const split = digits.length - scale;
  const fraction = digits.slice(split).replace(/0+$/, '');
  return `${unscaled < 0n ? '-' : ''}${digits.slice(0, split)}${fraction && `.${fraction}`}`;
}
