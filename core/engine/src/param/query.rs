//! Queries as parameters.

use keel_ecs::{PreparedQuery, Query, QueryData, QueryFilter};

use super::{ParamUses, SystemContext, SystemParam, sealed, short_name};

impl<D: QueryData, F: QueryFilter> sealed::Sealed for Query<'_, D, F> {}

impl<D: QueryData + 'static, F: QueryFilter + 'static> SystemParam for Query<'_, D, F> {
    type State = PreparedQuery<D, F>;
    type Item<'a> = Query<'a, D, F>;

    fn state() -> PreparedQuery<D, F> {
        PreparedQuery::new()
    }

    fn declare(uses: &mut ParamUses) {
        let (data, filter) = (short_name::<D>(), short_name::<F>());
        let filter = if filter == "()" { String::new() } else { format!(", {filter}") };
        uses.add(format!("Query<{data}{filter}>"), PreparedQuery::<D, F>::access());
        if D::USES_TICKS || F::USES_TICKS {
            uses.add_ticks();
        }
    }

    #[inline]
    fn fetch<'a>(
        state: &'a mut PreparedQuery<D, F>,
        context: &SystemContext<'a>,
    ) -> Result<Query<'a, D, F>, String> {
        // SAFETY: what `declare` says is used has been checked against the system's other parameters when it was
        // registered (`ParamUses::check`), and systems that conflict never run at once (`Plan`). The structure of the world
        // changes between segments alone, when commands are applied and exclusive systems run.
        #[allow(unsafe_code, reason = "systems run side by side by what they declare")]
        Ok(unsafe { state.query_in(context.world, context.changes) })
    }
}
