-- question: Which products bring the most revenue?
-- grain: one row for each product that was sold
-- uses: products
-- range: rows
-- order: revenue desc, stock_code
-- column: stock_code text: Code of the product
-- column: description text: Its name, in the spelling on most lines; of several such the first by its bytes
-- column: revenue decimal currency: Quantity times unit price, summed
-- column: pieces integer pieces: Pieces sold
-- column: orders integer orders: Invoices with a line of the product
-- column: share number ratio: Part of the revenue of all products, 0 to 1
-- cannot: What is sold as a line counts as a product: postage, fees and manual entries too.
-- cannot: Returns are not deducted: they are refused rows, counted in returns_by_product.
select
  stock_code,
  description,
  revenue,
  pieces,
  orders,
  round(cast(revenue as double) / cast(sum(revenue) over () as double), 4) as share
from products
