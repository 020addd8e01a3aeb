//! Parent and child. Both sides are written by the world alone, so that they never disagree.

use keel_module_macros::component;

use crate::{EcsError, Entity, World};

/// The entity that this one belongs to.
#[component(crate = keel_ecs)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parent {
    entity: Entity,
}

impl Parent {
    /// The parent's id.
    pub fn entity(&self) -> Entity {
        self.entity
    }
}

/// The entities that belong to this one, in the order in which they came.
#[component(crate = keel_ecs)]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Children {
    entities: Vec<Entity>,
}

impl Children {
    /// The children's ids.
    pub fn entities(&self) -> &[Entity] {
        &self.entities
    }
}

impl World {
    /// Makes `child` belong to `parent`; it leaves the parent it had. With `None` it belongs to nobody.
    ///
    /// # Errors
    /// [`EcsError::NoSuchEntity`] for a stale id, [`EcsError::CyclicParent`] when `parent` is `child` or below it.
    pub fn set_parent(&mut self, child: Entity, parent: Option<Entity>) -> Result<(), EcsError> {
        self.check_alive(child)?;
        let Some(parent) = parent else {
            self.leave_parent(child);
            return Ok(());
        };
        self.check_alive(parent)?;
        if parent == child || self.ancestors(parent).any(|ancestor| ancestor == child) {
            return Err(EcsError::CyclicParent { child, parent });
        }
        self.leave_parent(child);
        let joined =
            self.get_mut::<Children>(parent).map(|mut children| children.entities.push(child)).is_ok();
        if !joined {
            self.insert(parent, (Children { entities: vec![child] },))?;
        }
        self.insert(child, (Parent { entity: parent },))
    }

    /// The entity that `child` belongs to.
    pub fn parent(&self, child: Entity) -> Option<Entity> {
        self.get::<Parent>(child).ok().map(|parent| parent.entity)
    }

    /// The entities that belong to `parent`, in the order in which they came.
    pub fn children(&self, parent: Entity) -> Vec<Entity> {
        self.get::<Children>(parent).map(|children| children.entities.clone()).unwrap_or_default()
    }

    /// Parent, grandparent and so on.
    pub fn ancestors(&self, entity: Entity) -> impl Iterator<Item = Entity> + '_ {
        std::iter::successors(self.parent(entity), |above| self.parent(*above))
    }

    /// All entities below `entity`, parents before their children.
    pub fn descendants(&self, entity: Entity) -> Vec<Entity> {
        let mut found = self.children(entity);
        let mut next = 0;
        while next < found.len() {
            found.extend(self.children(found[next]));
            next += 1;
        }
        found
    }

    /// Entities without a parent that have children.
    pub fn roots(&self) -> Vec<Entity> {
        self.query_filtered::<Entity, (crate::With<Children>, crate::Without<Parent>)>().iter().collect()
    }

    pub(crate) fn leave_parent(&mut self, child: Entity) {
        let Ok((Parent { entity: parent },)) = self.remove::<(Parent,)>(child) else { return };
        let childless = self.get_mut::<Children>(parent).is_ok_and(|mut children| {
            children.entities.retain(|entity| *entity != child);
            children.entities.is_empty()
        });
        if childless {
            // `Children` was found a line above, so it is there to be removed.
            let _ = self.remove::<(Children,)>(parent);
        }
    }
}
