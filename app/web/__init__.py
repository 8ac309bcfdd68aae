"""What every page is made of: templates, forms, scripts of others, and jobs as people read them."""
