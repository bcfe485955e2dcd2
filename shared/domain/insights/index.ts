import active_users from './active_users.sql';
import cart_abandonment from './cart_abandonment.sql';
import churn from './churn.sql';
import customer_profiles from './customer_profiles.sql';
import discounts from './discounts.sql';
import funnel from './funnel.sql';
import orders_per_hour from './orders_per_hour.sql';
import price_changes from './price_changes.sql';
import customers from './relations/customers.sql';
import orders from './relations/orders.sql';
import products from './relations/products.sql';
import segments from './relations/segments.sql';
import retention from './retention.sql';
import returns_by_product from './returns_by_product.sql';
import revenue_by_brand from './revenue_by_brand.sql';
import revenue_by_category from './revenue_by_category.sql';
import revenue_by_country from './revenue_by_country.sql';
import rfm from './rfm.sql';
import rfm_segments from './rfm_segments.sql';
import sales_by_day from './sales_by_day.sql';
import sales_by_hour from './sales_by_hour.sql';
import sales_by_month from './sales_by_month.sql';
import sales_by_weekday from './sales_by_weekday.sql';
import top_products_by_quantity from './top_products_by_quantity.sql';
import top_products_by_revenue from './top_products_by_revenue.sql';

/*
 * Every insight's SQL by its name, and the relations that several of them start from. A new insight is its file, one
 * import and one name here; tests hold that no file is forgotten.
 */
export const INSIGHTS: Readonly<Record<string, string>> = {
  active_users,
  cart_abandonment,
  churn,
  customer_profiles,
  discounts,
  funnel,
  orders_per_hour,
  price_changes,
  retention,
  returns_by_product,
  revenue_by_brand,
  revenue_by_category,
  revenue_by_country,
  rfm,
  rfm_segments,
  sales_by_day,
  sales_by_hour,
  sales_by_month,
  sales_by_weekday,
  top_products_by_quantity,
  top_products_by_revenue,
};

export const RELATIONS: Readonly<Record<string, string>> = { customers, orders, products, segments };
