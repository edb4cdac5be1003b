"""The order of the gallery: all at once, one algorithm after the other, then what they share."""

ORDER = (
    *("all_seven", "precision_at_recall", "digits_pipeline", "streamed_digits"),
    *("number_of_clusters", "directions", "topics_of_texts", "bars", "movie_recommender"),
    *("taxi_anomalies", "hourly_forecasts", "new_products", "same_bits", "two_halves"),
    *("more_than_memory", "portable_models"),
)


class GalleryOrder:
    """Sphinx-gallery's key of a script, whose name must be on the list."""

    def __init__(self, folder):
        self.folder = folder

    def __call__(self, script):
        return ORDER.index(script.removeprefix("plot_").removesuffix(".py"))
